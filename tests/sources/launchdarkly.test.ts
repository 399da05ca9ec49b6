/** What is particular to LaunchDarkly: rules, rollouts and single users beside the default; the audit log. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Observation } from '../../src/contract/observation.ts';
import { bodyMessages, chatBody } from '../../src/text/body.ts';
import { launchdarklyFixture, openLaunchdarkly } from '../support/sources/launchdarkly.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp() {
  const standIn = await openLaunchdarkly();
  const place = await watchPlace(launchdarklyFixture, standIn);
  opened.push(place);
  const config = standIn.configs.get('id-reply');
  if (config === undefined) throw new Error('The stand-in holds no such config.');
  return { standIn, place, config, look: () => place.host.pollNow(['place/reply']) };
}

const told = (observations: readonly Observation[]) =>
  observations.map((each) =>
    each.outcome === 'held'
      ? [each.part, each.share, each.pointer?.value, bodyMessages(each.body)[0]?.content]
      : [each.part, each.outcome],
  );
const byDefault = ['', null, 'new', originalText('reply')];
const byRule = ['old', null, 'old', 'A draft.'];
const command = {
  version: '1',
  body: chatBody([{ role: 'system', content: originalText('reply') }]),
  settings: {},
};

describe('what is served beside the default', () => {
  it('by a rule, is a part of its own while the rule stands; the default stays what it is', async () => {
    const { config, look } = await setUp();
    expect(told(await look())).toEqual([byDefault]);
    config.rules = [{ clauses: [{ attribute: 'plan' }], variation: 0 }];
    expect(told(await look())).toEqual([byDefault, byRule]);
    config.rules = [];
    const after = await look();
    expect(told(after)).toEqual([byDefault, ['old', 'missing']]);
    expect(after[1]).toMatchObject({ partEnded: true });
  });

  it('by a rollout within a rule, to single users, or to single contexts', async () => {
    const { config, look } = await setUp();
    const ways = [
      { rules: [{ clauses: [], rollout: { variations: [{ variation: 0, weight: 1 }] } }] },
      { targets: [{ values: ['user-1'], variation: 0 }] },
      { contextTargets: [{ contextKind: 'organization', values: ['acme'], variation: 0 }] },
    ];
    for (const way of ways) {
      Object.assign(config, { rules: [], targets: [], contextTargets: [], ...way });
      expect(told(await look())).toEqual([byDefault, byRule]);
    }
    Object.assign(config, { rules: [], targets: [{ values: [], variation: 0 }], contextTargets: [] });
    expect(told(await look())).toEqual([byDefault, ['old', 'missing']]);
  });

  it('by a rule that serves the default too, is no second content', async () => {
    const { config, look } = await setUp();
    config.rules = [{ clauses: [], variation: 1 }];
    expect(told(await look())).toEqual([byDefault]);
  });

  it('has no known share, and then the rollout of the default has none either', async () => {
    const { config, look } = await setUp();
    const variations = [
      { variation: 0, weight: 25_000 },
      { variation: 1, weight: 75_000 },
    ];
    config.fallthrough = { rollout: { variations } };
    expect((await look()).map((each) => each.outcome === 'held' && each.share)).toEqual([0.25, 0.75]);
    config.rules = [{ clauses: [], variation: 1 }];
    expect((await look()).map((each) => each.outcome === 'held' && each.share)).toEqual([null, null]);
  });

  it('is missing with the default where the config is switched off', async () => {
    const { config, look } = await setUp();
    config.rules = [{ clauses: [], variation: 0 }];
    config.enabled = false;
    expect((await look()).map(({ outcome }) => outcome)).toEqual(['missing']);
  });
});

describe('a restore', () => {
  it('of what a rule serves, writes over that variation and leaves the targeting as it is', async () => {
    const { config, place } = await setUp();
    config.rules = [{ clauses: [], variation: 0 }];
    await expect(place.host.restore('place/reply', command)).rejects.toThrow('several contents');
    expect(await place.host.restore('place/reply', { ...command, part: 'old' })).toMatchObject({ result: 'restored' });
    expect(config.variations.map((each) => [each.key, each.version, each.messages[0]?.content])).toEqual([
      ['old', 2, originalText('reply')],
      ['new', 1, originalText('reply')],
    ]);
    expect([config.fallthrough, config.rules]).toEqual([{ variation: 1 }, [{ clauses: [], variation: 0 }]]);
  });

  it('of the default beside a rule, points it at the variation that says what is wanted', async () => {
    const { config, place } = await setUp();
    config.fallthrough = { variation: 0 };
    config.rules = [{ clauses: [], variation: 1 }];
    expect(await place.host.restore('place/reply', { ...command, part: '' })).toMatchObject({ result: 'restored' });
    expect([config.fallthrough, config.rules]).toEqual([{ variation: 1 }, [{ clauses: [], variation: 1 }]]);
    expect(config.variations.map(({ version }) => version)).toEqual([1, 1]);
  });

  it('brings the model back too', async () => {
    const { standIn, config, place } = await setUp();
    await standIn.edit('reply', EDITED);
    const settings = { model: 'gpt-5-mini', parameters: { temperature: 0 } };
    expect(await place.host.restore('place/reply', { ...command, settings })).toMatchObject({ result: 'restored' });
    expect(config.variations[1]).toMatchObject({ model: { modelName: 'gpt-5-mini', parameters: { temperature: 0 } } });
  });
});

describe('the audit log', () => {
  const asked = (standIn: { readonly requests: { readonly path: string }[] }) =>
    standIn.requests.filter(({ path }) => path.endsWith('/auditlog')).length;

  it('is asked about what changed, and not again while nothing does', async () => {
    const { standIn, place } = await setUp();
    await place.poll();
    await standIn.edit('reply', EDITED);
    standIn.requests.splice(0);
    expect((await place.poll()).get('reply')).toMatchObject({ editedBy: 'mallory@example.com' });
    expect(asked(standIn)).toBe(1);
    standIn.requests.splice(0);
    expect((await place.poll()).get('reply')).toMatchObject({ editedBy: 'mallory@example.com' });
    expect(asked(standIn)).toBe(0);
    expect(standIn.requests).toHaveLength(2 * standIn.targets.length);
  });

  it('names nobody for what somebody else did at the same time to another config', async () => {
    const { standIn, place } = await setUp();
    await standIn.edit('intent', EDITED);
    const observations = await place.poll();
    expect(observations.get('intent')).toMatchObject({ editedBy: 'mallory@example.com' });
    expect(observations.get('reply')).toMatchObject({ editedBy: null });
  });

  it('that a key may not read leaves the editor out, and the config is read all the same', async () => {
    const { standIn, place } = await setUp();
    standIn.hideAudit();
    await standIn.edit('reply', EDITED);
    expect((await place.poll()).get('reply')).toMatchObject({ outcome: 'held', editedBy: null });
    standIn.requests.splice(0);
    await place.poll();
    expect(asked(standIn)).toBe(0);
  });
});

it('a push about another project or environment is of no concern', async () => {
  const { standIn } = await setUp();
  for (const other of [{ project: 'other' }, { environment_key: 'staging' }]) {
    const config = { ...(standIn.config as object), ...other };
    const place = await watchPlace(launchdarklyFixture, { ...standIn, config, close: () => Promise.resolve() });
    opened.unshift(place);
    const request = standIn.push?.('reply', Date.now());
    expect(request && (await place.source.source.webhook?.receive(request, place.source.targets))).toEqual([]);
  }
});
