/** Retell's agents and language models, from the SDK's types: drafts, published versions that can't be changed, pages. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi, type ApiAnswer } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'key_retell_0123456789';

interface Version {
  readonly version: number;
  is_published: boolean;
  last_modification_timestamp: number;
  readonly llm: { general_prompt: string; begin_message: string; states: { name: string; state_prompt: string }[] };
}

export async function openRetell() {
  const now = ticking();
  const agents = new Map<string, Version[]>();
  const add = (id: string, llm: Version['llm'], published: boolean): Version => {
    const versions = agents.get(id) ?? [];
    const made = {
      version: versions.length,
      is_published: published,
      last_modification_timestamp: now(),
      llm: structuredClone(llm),
    };
    agents.set(id, [...versions, made]);
    return made;
  };
  for (const prompt of PROMPTS) {
    const llm = {
      general_prompt: 'A draft.',
      begin_message: 'Hello.',
      states: [{ name: 'refund', state_prompt: 'Refund.' }],
    };
    add(idOf(prompt), llm, true);
    add(idOf(prompt), { ...llm, general_prompt: originalText(prompt) }, true);
    add(idOf(prompt), { ...llm, general_prompt: 'Unfinished work of somebody.' }, false);
  }
  const live = (prompt: string): Version | undefined =>
    agents.get(idOf(prompt))?.findLast((version) => version.is_published);
  const agentOf = (id: string, { version, is_published, last_modification_timestamp }: Version) => ({
    agent_id: id,
    version,
    is_published,
    last_modification_timestamp,
    voice_id: 'voice',
    response_engine: { type: 'retell-llm', llm_id: `llm-${id}`, version },
  });
  const notFound = (what: string): ApiAnswer => ({
    status: 404,
    body: { status: 'error', message: `${what} not found` },
  });

  const server = await serveApi(({ parts: [verb, id = ''], query, headers, body }) => {
    if (headers['authorization'] !== `Bearer ${KEY}`)
      return { status: 401, body: { status: 'error', message: 'API key is invalid.' } };
    if (verb === 'v2' && id === 'list-agents') {
      const { page, next } = pageOf([...agents.keys()], Number(query.get('pagination_key') ?? 0), 2);
      const items = page.map((agent) => ({ agent_id: agent, agent_name: agent.replace('id-', ''), channel: 'voice' }));
      return { body: { items, has_more: next !== null, pagination_key: String(next) } };
    }
    const versions = agents.get(id.replace(/^llm-/, ''));
    if (versions === undefined) return notFound(id);
    const at = (number: unknown): Version | undefined => versions.find((version) => version.version === Number(number));
    const asked = query.get('version') === null ? versions.at(-1) : at(query.get('version'));
    if (verb === 'list-agent-versions') {
      const { page, next } = pageOf(versions, Number(query.get('pagination_key') ?? 0), 2);
      return {
        body: {
          items: page.map((version) => agentOf(id, version)),
          has_more: next !== null,
          pagination_key: String(next),
        },
      };
    }
    if (verb === 'create-agent-version') {
      const base = at(body.base_version);
      return base === undefined ? notFound('base') : { status: 201, body: agentOf(id, add(id, base.llm, false)) };
    }
    if (verb === 'publish-agent-version') {
      const version = at(body.version);
      if (version === undefined) return notFound('version');
      version.is_published = true;
      return { body: agentOf(id, version) };
    }
    if (asked === undefined) return notFound('version');
    if (verb === 'get-agent') return { body: agentOf(id, asked) };
    if (verb === 'update-retell-llm') {
      if (asked.is_published)
        return { status: 422, body: { status: 'error', message: 'Cannot update a published version.' } };
      Object.assign(asked.llm, body);
    }
    return { body: { llm_id: id, version: asked.version, model: 'gpt-5', model_temperature: 0, ...asked.llm } };
  });
  return {
    agents,
    ...httpPlace(server, 'agent_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => live(prompt)?.llm.general_prompt ?? '',
      edit: (prompt, text) => {
        const base = live(prompt);
        if (base !== undefined) add(idOf(prompt), { ...base.llm, general_prompt: text }, true);
      },
      // Somebody publishes the same text again.
      movePointer: (prompt) => {
        const base = live(prompt);
        if (base !== undefined) add(idOf(prompt), base.llm, true);
      },
      remove: (prompt) => void agents.delete(idOf(prompt)),
    }),
  };
}

export const retellFixture: SourceFixture = { type: 'retell', open: openRetell };
