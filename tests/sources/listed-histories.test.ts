/** Registries that list their prompts: what of their history is told, and how little is asked while nothing changes. */

import { afterEach, describe, expect, it } from 'vitest';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { bodyMessages } from '../../src/text/body.ts';
import { openAnthropicAgents } from '../support/sources/anthropic-agents.ts';
import { openAwsBedrock } from '../support/sources/aws-bedrock.ts';
import { openAzureAgents } from '../support/sources/azure-agents.ts';
import type { ApiRequest } from '../support/sources/http-stand-in.ts';
import { openLitellm } from '../support/sources/litellm.ts';
import { openMistral } from '../support/sources/mistral.ts';
import { openMlflow } from '../support/sources/mlflow.ts';
import { openOpik, opikCommit } from '../support/sources/opik.ts';
import { openPortkey } from '../support/sources/portkey.ts';
import { EDITED, originalText, PROMPTS, type StandIn } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

type Recorded = StandIn & { readonly requests: ApiRequest[] };

/** A registry as the daemon keeps it, over a stand-in that breaks down once so many versions were told. */
async function keep<Kind extends Recorded>(type: string, open: () => Promise<Kind>, breaksAfter = Infinity) {
  const standIn = await open();
  const place = await watchPlace({ type }, standIn);
  opened.push(place);
  const { versions } = place.source.source;
  if (versions === undefined) throw new Error(`${type} tells no history.`);
  const told: RegisteredVersion[] = [];
  const registry = new SourceRegistry('place', async function* (...question) {
    for await (const each of versions.list(...question)) {
      told.push(each.version);
      if (told.length === breaksAfter) await standIn.trouble('broken');
      yield each;
    }
  });
  const signal = AbortSignal.timeout(60_000);
  return {
    standIn,
    place,
    registry,
    signal,
    /** What a reading told, and what it asked. */
    read: async () => {
      told.length = 0;
      standIn.requests.splice(0);
      await registry.read(signal);
      expect(registry.problem).toBeNull();
      const paths = standIn.requests.map(({ path, query }) =>
        query.has('promptIdentifier') ? `${path}?${query.get('promptIdentifier')}` : path,
      );
      return { told: [...told], paths: [...new Set(paths)] };
    },
  };
}

const textOf = ({ variants }: RegisteredVersion): string => bodyMessages(variants[0].body)[0]?.content ?? '';
const versionsOf = (versions: readonly RegisteredVersion[], prompt: string): readonly RegisteredVersion[] =>
  versions.filter((version) => version.prompt === prompt);

interface Expected {
  readonly type: string;
  readonly open: () => Promise<Recorded>;
  /** What the registry calls a prompt of the stand-in, and its versions before and after an edit. */
  readonly called?: (prompt: string) => string;
  readonly before: readonly (readonly [version: string, text: string])[];
  readonly edited: string;
  /** Addresses that are asked while nothing changes, and of one prompt that did. */
  readonly idle: readonly string[];
  readonly changed: readonly string[];
  readonly settings: object;
}

const reply = originalText('reply');
const twoVersions = [
  ['1', 'A draft.'],
  ['2', reply],
] as const;
const warm = (model: string) => ({ model, parameters: { temperature: 0 } });

const expectations: readonly Expected[] = [
  {
    type: 'anthropic-agents',
    open: openAnthropicAgents,
    before: [['1', reply]],
    edited: '2',
    // The last that changed is looked at again: more may have changed at that very time.
    idle: ['/v1/agents', '/v1/agents/id-greeting/versions'],
    changed: ['/v1/agents', '/v1/agents/id-greeting/versions', '/v1/agents/id-reply/versions'],
    settings: { model: 'claude-sonnet-5', parameters: { speed: 'standard' } },
  },
  {
    type: 'aws-bedrock',
    open: openAwsBedrock,
    before: [['1', reply]],
    edited: '2',
    idle: ['/prompts/', ...PROMPTS.map((prompt) => `/prompts/?id-${prompt}`)],
    changed: ['/prompts/', ...PROMPTS.map((prompt) => `/prompts/?id-${prompt}`), '/prompts/id-reply/'],
    settings: warm('anthropic.claude-sonnet-5'),
  },
  {
    type: 'azure-agents',
    open: openAzureAgents,
    before: twoVersions,
    edited: '3',
    idle: ['/api/projects/support/agents', '/api/projects/support/agents/greeting/versions'],
    changed: [
      '/api/projects/support/agents',
      '/api/projects/support/agents/greeting/versions',
      '/api/projects/support/agents/reply/versions',
    ],
    settings: warm('gpt-5'),
  },
  {
    type: 'litellm',
    open: openLitellm,
    called: (prompt) => `id-${prompt}`,
    before: twoVersions,
    edited: '3',
    idle: ['/prompts/list', '/prompts/id-greeting/versions'],
    changed: [
      '/prompts/list',
      '/prompts/id-greeting/versions',
      '/prompts/id-reply/versions',
      '/prompts/id-reply.v3/info',
    ],
    settings: warm('gpt-5'),
  },
  {
    type: 'mistral',
    open: openMistral,
    before: [
      ['0', 'A draft.'],
      ['1', reply],
    ],
    edited: '2',
    idle: ['/v1/agents/pages', '/v1/agents/id-greeting/versions'],
    changed: ['/v1/agents/pages', '/v1/agents/id-greeting/versions', '/v1/agents/id-reply/versions'],
    settings: { model: 'mistral-large-latest', parameters: { temperature: 0.3 } },
  },
  {
    type: 'mlflow',
    open: openMlflow,
    before: twoVersions,
    edited: '3',
    idle: ['/api/2.0/mlflow/registered-models/search', '/api/2.0/mlflow/model-versions/search'],
    changed: ['/api/2.0/mlflow/registered-models/search', '/api/2.0/mlflow/model-versions/search'],
    settings: warm('gpt-5'),
  },
  {
    type: 'opik',
    open: openOpik,
    before: [
      [opikCommit('id-reply', 1), 'A draft.'],
      [opikCommit('id-reply', 2), reply],
    ],
    edited: opikCommit('id-reply', 3),
    idle: ['', '/id-greeting/versions'].map((path) => `/v1/private/prompts${path}`),
    changed: ['', '/id-greeting/versions', '/id-reply/versions'].map((path) => `/v1/private/prompts${path}`),
    settings: { model: 'gpt-5' },
  },
  {
    type: 'portkey',
    open: openPortkey,
    before: twoVersions,
    edited: '3',
    idle: ['/v1/prompts', '/v1/prompts/greeting/versions'],
    changed: [
      '/v1/prompts',
      '/v1/prompts/greeting/versions',
      '/v1/prompts/reply/versions',
      '/v1/prompts/reply/versions/reply-3',
    ],
    settings: warm('gpt-5'),
  },
];

describe.each(expectations)('the history of $type', ({ type, open, called = (prompt) => prompt, ...expected }) => {
  it('is told whole, oldest first, with parents, settings and times', async () => {
    const { registry, read } = await keep(type, open);
    await read();
    const versions = versionsOf(registry.versions, called('reply'));
    expect(versions.map((version) => [version.version, textOf(version)])).toEqual(expected.before);
    expect(versions.map(({ parent }) => parent)).toEqual([null, ...expected.before.slice(0, -1).map(([name]) => name)]);
    expect(versions.at(-1)?.variants[0].settings).toMatchObject(expected.settings);
    for (const { registeredAt, origin } of versions) {
      expect(registeredAt).toMatch(/^2026-11-20T02:/);
      expect(origin.file).toMatch(/^https?:/);
    }
  });

  it('costs the list while nothing changes, and one prompt when one did', async () => {
    const { standIn, registry, read } = await keep(type, open);
    await read();
    const idle = await read();
    expect(idle.paths.toSorted()).toEqual(expected.idle.toSorted());
    await standIn.edit('reply', EDITED);
    const { told, paths } = await read();
    expect(paths.toSorted()).toEqual(expected.changed.toSorted());
    expect(versionsOf(told, called('reply')).at(-1)).toMatchObject({ version: expected.edited });
    expect(textOf(versionsOf(registry.versions, called('reply')).at(-1) as RegisteredVersion)).toBe(EDITED);
    expect(versionsOf(registry.versions, called('reply'))).toHaveLength(expected.before.length + 1);
  });

  it('is read on after a failure in its middle, and keeps nothing back', async () => {
    const { standIn, registry, signal } = await keep(type, open, 3);
    await registry.read(signal);
    expect(registry.problem).toContain('500');
    expect(registry.isComplete).toBe(false);
    expect(registry.versions).toEqual([]);
    await standIn.trouble(null);
    await registry.read(signal);
    for (const prompt of PROMPTS)
      expect(versionsOf(registry.versions, called(prompt))).toHaveLength(expected.before.length);
  });
});

it('names the author where MLflow tells who registered a version', async () => {
  const { standIn, registry, read } = await keep('mlflow', openMlflow);
  await standIn.edit('reply', EDITED);
  await read();
  expect(versionsOf(registry.versions, 'reply').map(({ author }) => author)).toEqual(['alice', 'alice', 'mallory']);
});

it('tells Jinja2 from plain variables in MLflow', async () => {
  const { standIn, registry, read } = await keep('mlflow', openMlflow);
  await standIn.edit('reply', '{% if angry %}Be patient.{% endif %}');
  await read();
  const formats = versionsOf(registry.versions, 'reply').map(({ variants }) => variants[0].format);
  expect(formats).toEqual(['mustache', 'mustache', 'jinja2']);
});

it.each([
  ['mlflow', openMlflow],
  ['anthropic-agents', openAnthropicAgents],
] as const)('takes the owner from what is written to a version in %s', async (type, open) => {
  const { registry, read } = await keep<Recorded>(type, open);
  await read();
  const [version] = versionsOf(registry.versions, 'reply');
  expect(version).toMatchObject({ owner: 'support-team', tags: ['owner:support-team'] });
});

it('keeps two agents of one name apart, and the older has the name', async () => {
  const { standIn, registry, read } = await keep('anthropic-agents', openAnthropicAgents);
  Object.assign(standIn.agents.find((agent) => agent.name === 'triage') ?? {}, { name: 'reply' });
  await read();
  expect(versionsOf(registry.versions, 'reply').map(textOf)).toEqual([originalText('reply')]);
  expect(versionsOf(registry.versions, 'reply.id-triage').map(textOf)).toEqual([originalText('triage')]);
});

it('registers what an archived agent said', async () => {
  const { standIn, registry, read } = await keep('anthropic-agents', openAnthropicAgents);
  await standIn.remove?.('reply');
  await read();
  expect(versionsOf(registry.versions, 'reply').map(({ version }) => version)).toEqual(['1', '2']);
});

it('registers each variant of a Bedrock prompt, and the default one by the name of the prompt', async () => {
  const { registry, read } = await keep('aws-bedrock', openAwsBedrock);
  await read();
  expect(versionsOf(registry.versions, 'reply').map(textOf)).toEqual([originalText('reply')]);
  expect(versionsOf(registry.versions, 'reply.trial').map(textOf)).toEqual(['A trial.']);
});

it('asks for the list of Bedrock drafts only, while none changes', async () => {
  const { standIn, place } = await keep('aws-bedrock', openAwsBedrock);
  await place.poll();
  standIn.requests.splice(0);
  await place.poll();
  expect(new Set(standIn.requests.map(({ path }) => path))).toEqual(new Set(['/prompts/']));
});

it('asks a Bedrock version once, also when a new one leaves the draft as it was', async () => {
  const { standIn, registry, read } = await keep('aws-bedrock', openAwsBedrock);
  await read();
  standIn.publish('reply');
  expect((await read()).paths).toContain('/prompts/id-reply/');
  expect(versionsOf(registry.versions, 'reply').map(({ version }) => version)).toEqual(['1', '2']);
});
