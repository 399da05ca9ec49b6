/** What `discover` proposes of places that hold more than prompts: exactly these names, and nothing without being told where to look. */

import { afterEach, describe, expect, it } from 'vitest';
import { sourceFixtures } from '../support/sources/fixtures.ts';
import { openHttpJsonList } from '../support/sources/http-json.ts';
import { openKubernetes } from '../support/sources/kubernetes.ts';
import { PROMPTS, type StandIn } from '../support/sources/stand-in.ts';
import { watchPlace } from '../support/sources/watch-place.ts';

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function discovered(type: string, standIn: StandIn): Promise<readonly string[] | null> {
  const place = await watchPlace({ type }, standIn);
  opened.push(() => place.close());
  const { discover } = place.source.source;
  if (discover === undefined) return null;
  const found = await Array.fromAsync(discover.discover(AbortSignal.timeout(60_000)));
  return found.map(({ name }) => name).toSorted();
}

/** How each place calls the five. */
const NAMES: Readonly<Record<string, (prompt: string) => string>> = {
  'aws-appconfig': (prompt) => `id-${prompt}`,
  'aws-s3': (prompt) => `${prompt}(1)`,
  'aws-secrets': (prompt) => prompt,
  'aws-ssm': (prompt) => prompt,
  'cloudflare-kv': (prompt) => prompt,
  files: (prompt) => prompt,
  git: (prompt) => prompt,
  kubernetes: (prompt) => `prompts/${prompt}`,
  redis: (prompt) => (prompt === 'triage' ? 'prompts/triage' : `prompts:${prompt}`),
};

describe.each(Object.entries(NAMES))('%s', (type, nameOf) => {
  const fixture = sourceFixtures.find((each) => each.type === type);
  if (fixture === undefined) throw new Error(`There is no stand-in for ${type}.`);

  it('proposes the prompts where it is told to look, and nothing that is no text', async () => {
    expect(await discovered(type, await fixture.open())).toEqual(PROMPTS.map(nameOf).toSorted());
  });

  it('looks nowhere unless it is told to, or everything in it is a prompt', async () => {
    const standIn = await fixture.open();
    const { discover: _where, ...config } = standIn.config as { discover?: unknown };
    const found = await discovered(type, { ...standIn, config });
    expect(found === null).toBe(type !== 'aws-appconfig');
  });
});

it('http-json lists when it is asked for a list', async () => {
  expect(await discovered('http-json', await openHttpJsonList())).toEqual(PROMPTS.toSorted());
});

it('kubernetes proposes what is in ConfigMaps to those who may see no Secrets', async () => {
  const standIn = await openKubernetes();
  standIn.forbidSecrets();
  const visible = PROMPTS.filter((prompt) => prompt !== 'triage').map((prompt) => `prompts/${prompt}`);
  expect(await discovered('kubernetes', standIn)).toEqual(visible.toSorted());
});
