/**
 * Braintrust's prompt API, from its published specification and command line: transactions as versions,
 * their audit log, environments, pages by the last id, alerts.
 */

import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi, type ApiAnswer, type ApiRequest } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

const KEY = 'sk-braintrust-0123456789';
const WEBHOOK_SECRET = 'bt-hook-0123456789';
const PROJECT = '5f0c1e9a-0000-4000-8000-000000000001';

interface Version {
  readonly transaction: string;
  readonly text: string;
}

interface Prompt {
  readonly id: string;
  readonly slug: string;
  readonly created: string;
  readonly versions: Version[];
  /** Environment to the transaction that it names. */
  readonly environments: Map<string, string>;
}

/** The number that a version's name in hexadecimal digits stands for, as the SDK reads it. */
function transactionOf(version: string): string {
  if (!/^[0-9a-f]{16}$/.test(version)) return version;
  return String((0x0de1n << 48n) | ((BigInt(`0x${version}`) * 1_522_336_535_492_693_385n) % (1n << 64n)));
}

/** `environment`: null to watch the newest versions. */
export async function openBraintrust(environment: string | null = 'production') {
  const now = ticking();
  const prompts: Prompt[] = [];
  const find = (slug: string): Prompt | undefined => prompts.find((prompt) => prompt.slug === slug);
  const assign = (prompt: Prompt, slug: string, transaction: string): void =>
    void prompt.environments.set(slug, transaction);
  const write = (slug: string, text: string, assigned: string | null = null): void => {
    const millis = now();
    const transaction = String((0x0de1n << 48n) | (BigInt(Math.floor(millis / 1_000)) << 16n) | BigInt(prompts.length));
    const known = find(slug);
    const created = new Date(millis).toISOString();
    const prompt = known ?? { id: idOf(slug), slug, created, versions: [], environments: new Map<string, string>() };
    if (known === undefined) prompts.push(prompt);
    prompt.versions.push({ transaction, text });
    if (assigned !== null) assign(prompt, assigned, transaction);
  };
  for (const slug of PROMPTS) {
    write(slug, 'A draft.');
    write(slug, originalText(slug), 'production');
  }

  const wire = (prompt: Prompt, version: Version | undefined) => ({
    id: prompt.id,
    _xact_id: version?.transaction,
    project_id: PROJECT,
    log_id: 'p',
    org_id: 'organisation',
    name: prompt.slug,
    slug: prompt.slug,
    created: prompt.created,
    prompt_data: {
      prompt: { type: 'chat', messages: [{ role: 'system', content: version?.text }], tools: '' },
      options: { model: 'gpt-5', params: { temperature: 0 } },
    },
    tags: null,
  });
  const versionIn = (prompt: Prompt, query: URLSearchParams): Version | undefined => {
    const wanted = query.get('version');
    if (wanted !== null) return prompt.versions.find(({ transaction }) => transaction === transactionOf(wanted));
    const slug = query.get('environment');
    if (slug === null) return prompt.versions.at(-1);
    return prompt.versions.find(({ transaction }) => transaction === prompt.environments.get(slug));
  };

  const list = (query: URLSearchParams): ApiAnswer => {
    if (query.get('project_name') !== 'support') return { body: { objects: [] } };
    const matching = prompts.filter((prompt) => [null, prompt.slug].includes(query.get('slug')));
    const start = matching.findIndex((prompt) => prompt.id === query.get('starting_after')) + 1;
    const { page } = pageOf(matching, start, Math.min(2, Number(query.get('limit') ?? 2)));
    if (query.get('environment') !== null && page.length > 1)
      return { status: 400, body: 'environment needs a query that matches a single prompt' };
    const objects = page.flatMap((prompt) => {
      const version = versionIn(prompt, query);
      return version === undefined ? [] : [wire(prompt, version)];
    });
    return { body: { objects } };
  };
  const auditLog = ({ query }: any): ApiAnswer => {
    const [project] = query.from.args;
    const prompt = prompts.find(({ id }) => id === query.filter.right.value && project.value === PROJECT);
    const rows = (prompt?.versions ?? []).map(({ transaction }, index) => ({
      _xact_id: transaction,
      audit_data: { action: index === 0 ? 'upsert' : 'merge' },
    }));
    const comment = { _xact_id: '1000000000000000000', audit_data: { action: 'comment' } };
    return { body: { data: [...rows.toReversed(), comment] } };
  };

  const answer = ({ method, path, parts, query, headers, body }: ApiRequest): ApiAnswer => {
    if (headers['authorization'] !== `Bearer ${KEY}`) return { status: 401, body: { error: 'Unauthorized' } };
    if (path === '/btql') return auditLog(body);
    if (path === '/v1/prompt') return list(query);
    const [root, , id, slug] = parts;
    const prompt = prompts.find((each) => each.id === id);
    if (prompt === undefined) return { status: 404, body: { error: 'Not found' } };
    if (root === 'environment-object') {
      if (method !== 'PUT' || !prompt.versions.some(({ transaction }) => transaction === body.object_version))
        return { status: 400, body: { error: 'No such version' } };
      assign(prompt, slug ?? '', body.object_version);
      return { body: { object_type: 'prompt', object_id: id, ...body } };
    }
    if (method === 'PATCH') write(prompt.slug, body.prompt_data.prompt.messages[0].content);
    const version = versionIn(prompt, query);
    return version === undefined ? { status: 404, body: { error: 'Not found' } } : { body: wire(prompt, version) };
  };

  const server = await serveApi(answer);
  const live = (slug: string): Version | undefined => {
    const prompt = find(slug);
    const query = new URLSearchParams(environment === null ? {} : { environment });
    return prompt === undefined ? undefined : versionIn(prompt, query);
  };
  const rest: Partial<StandIn> & Pick<StandIn, 'config' | 'secrets' | 'text' | 'edit' | 'remove'> = {
    config: {
      base_url: server.origin,
      api_key: KEY,
      project: 'support',
      webhook_secret: WEBHOOK_SECRET,
      ...(environment === null ? {} : { environment_slug: environment }),
    },
    targets: PROMPTS.map((slug) => ({ prompt: slug, config: { slug } })),
    secrets: [KEY, WEBHOOK_SECRET],
    text: (slug) => live(slug)?.text ?? '',
    edit: (slug, text) => write(slug, text, environment),
    remove: (slug) =>
      void prompts.splice(
        prompts.findIndex((prompt) => prompt.slug === slug),
        1,
      ),
    pushesCarrySecret: true,
    push: (slug, atMillis) => ({
      headers: { 'content-type': 'application/json' },
      query: { token: WEBHOOK_SECRET },
      body: Buffer.from(
        JSON.stringify({
          organization: { id: 'organisation', name: 'acme' },
          project: { id: PROJECT, name: 'support' },
          automation: { id: 'automation', name: 'Prompts', event_type: 'environment_update' },
          details: { is_test: false, environment: { slug: 'production' }, prompt: { id: find(slug)?.id, slug } },
        }),
      ),
      receivedAt: timestampFromMillis(atMillis),
    }),
  };
  return {
    prompts,
    write,
    assign: (slug: string, name: string, index: number) => {
      const prompt = find(slug);
      const version = prompt?.versions[index];
      if (prompt !== undefined && version !== undefined) assign(prompt, name, version.transaction);
    },
    requests: server.requests,
    ...httpPlace(server, 'slug', {
      ...rest,
      movePointer:
        environment === null
          ? null
          : (slug) => {
              const prompt = find(slug);
              if (prompt !== undefined) assign(prompt, environment, prompt.versions[0]?.transaction ?? '');
            },
    }),
  };
}

export const braintrustFixture: SourceFixture = { type: 'braintrust', open: () => openBraintrust() };
