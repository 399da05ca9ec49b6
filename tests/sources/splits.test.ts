/** Places that hold several contents at once, and several prompts in one object. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Observation } from '../../src/contract/observation.ts';
import { textBody } from '../../src/text/body.ts';
import { openAzureAgents } from '../support/sources/azure-agents.ts';
import { openElevenlabs } from '../support/sources/elevenlabs.ts';
import { openLaunchdarkly } from '../support/sources/launchdarkly.ts';
import { openRetell } from '../support/sources/retell.ts';
import { openVapi } from '../support/sources/vapi.ts';
import { EDITED, originalText, type StandIn } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

/** Watches one target of a stand-in. */
async function watch(type: string, standIn: StandIn, target: object): Promise<Place> {
  const place = await watchPlace({ type }, { ...standIn, targets: [{ prompt: 'reply', config: target }] });
  opened.push(place);
  return place;
}

const look = (place: Place): Promise<readonly Observation[]> => place.host.pollNow(['place/reply']);
const told = (observations: readonly Observation[]) =>
  observations.map((o) =>
    o.outcome === 'held'
      ? [o.part, o.share, o.body.kind === 'text' ? o.body.text : o.body.messages[0]?.content]
      : [o.part, o.outcome],
  );

describe('a traffic split is several contents with their shares, and its end is no loss', () => {
  it('of a LaunchDarkly rollout', async () => {
    const standIn = await openLaunchdarkly();
    const place = await watch('launchdarkly', standIn, { key: 'id-reply' });
    expect(told(await look(place))).toEqual([['', null, originalText('reply')]]);
    const variations = [
      { variation: 0, weight: 30_000 },
      { variation: 1, weight: 70_000 },
    ];
    Object.assign(standIn.configs.get('id-reply') ?? {}, { fallthrough: { rollout: { variations } } });
    expect(told(await look(place))).toEqual([
      ['old', 0.3, 'A draft.'],
      ['new', 0.7, originalText('reply')],
      ['', 'missing'],
    ]);
    Object.assign(standIn.configs.get('id-reply') ?? {}, { fallthrough: { variation: 1 } });
    const after = await look(place);
    expect(told(after)).toEqual([
      ['', null, originalText('reply')],
      ['old', 'missing'],
      ['new', 'missing'],
    ]);
    expect(after.slice(1)).toMatchObject([{ partEnded: true }, { partEnded: true }]);
  });

  it('of ElevenLabs branches, of which one is restored', async () => {
    const standIn = await openElevenlabs();
    const place = await watch('elevenlabs', standIn, { agent_id: 'id-reply' });
    const branches = standIn.agents.get('id-reply')?.branches ?? [];
    for (const branch of branches) Object.assign(branch, { share: 50 });
    Object.assign(branches[1] ?? {}, { text: EDITED });
    expect(told(await look(place))).toEqual([
      ['main', 0.5, originalText('reply')],
      ['trial', 0.5, EDITED],
    ]);
    const command = { version: '1', body: textBody(originalText('reply')), settings: {} };
    await expect(place.host.restore('place/reply', command)).rejects.toThrow('several contents');
    expect(await place.host.restore('place/reply', { ...command, part: 'trial' })).toMatchObject({
      result: 'restored',
    });
    expect(branches.map((branch) => branch.text)).toEqual([originalText('reply'), originalText('reply')]);
  });

  it('of the versions behind an Azure endpoint', async () => {
    const standIn = await openAzureAgents();
    const place = await watch('azure-agents', standIn, { agent_name: 'reply' });
    const rules = [1, 2].map((version) => ({ ...standIn.rule(version), traffic_percentage: version === 1 ? 10 : 90 }));
    Object.assign(standIn.agents.get('reply') ?? {}, { rules });
    expect(told(await look(place))).toEqual([
      ['1', 0.1, 'A draft.'],
      ['2', 0.9, originalText('reply')],
    ]);
  });

  it('of an Azure endpoint, of which one share is given to another version and the other stays', async () => {
    const standIn = await openAzureAgents();
    const place = await watch('azure-agents', standIn, { agent_name: 'reply' });
    await standIn.edit('reply', EDITED);
    const split = { 1: 10, 3: 90 };
    const rules = Object.entries(split).map(([version, percentage]) => ({
      ...standIn.rule(Number(version)),
      traffic_percentage: percentage,
    }));
    Object.assign(standIn.agents.get('reply') ?? {}, { rules });
    const command = { version: '2', body: textBody(originalText('reply')), settings: {}, part: '3' };
    expect(await place.host.restore('place/reply', command)).toMatchObject({
      result: 'restored',
      after: { part: '2', share: 0.9 },
    });
    expect(told(await look(place)).slice(0, 2)).toEqual([
      ['1', 0.1, 'A draft.'],
      ['2', 0.9, originalText('reply')],
    ]);
  });
});

describe('another prompt in the same object is another target', () => {
  const restored = { version: '1', settings: {} };

  it('a node of an ElevenLabs workflow', async () => {
    const standIn = await openElevenlabs();
    const place = await watch('elevenlabs', standIn, { agent_id: 'id-reply', node: 'refund' });
    expect(told(await look(place))).toEqual([['', 1, 'Be generous.']]);
    const command = { ...restored, body: textBody('Be careful.') };
    expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored' });
    expect(standIn.text('reply')).toBe(originalText('reply'));
  });

  it('the first message of a Vapi assistant, and nothing else of it changes', async () => {
    const standIn = await openVapi();
    const place = await watch('vapi', standIn, { assistant_id: 'id-reply', text: 'first_message' });
    expect(told(await look(place))).toEqual([['', null, 'Hello from reply.']]);
    const messages = await watch('vapi', standIn, { assistant_id: 'id-reply' });
    await messages.host.restore('place/reply', { ...restored, body: textBody('New.') });
    const assistant = standIn.assistants.find((each) => each.name === 'reply');
    expect(assistant).toMatchObject({
      firstMessage: 'Hello from reply.',
      model: { model: 'gpt-5', toolIds: ['tool-1'], messages: [{ role: 'system', content: 'New.' }] },
    });
  });

  it('a state of a Retell agent; what somebody left unfinished in a draft stays unpublished', async () => {
    const standIn = await openRetell();
    const place = await watch('retell', standIn, { agent_id: 'id-reply', state: 'refund' });
    expect(told(await look(place))).toEqual([['', null, 'Refund.']]);
    const command = { ...restored, body: textBody('Refund politely.') };
    expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored' });
    const versions = standIn.agents.get('id-reply') ?? [];
    expect(versions.map((version) => version.is_published)).toEqual([true, true, false, true]);
    expect(versions[3]?.llm).toMatchObject({
      general_prompt: originalText('reply'),
      states: [{ state_prompt: 'Refund politely.' }],
    });
  });
});
