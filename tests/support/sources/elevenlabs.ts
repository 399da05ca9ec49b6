/** ElevenLabs' agents, from the SDK's types: branches with shares of the traffic, workflows, cursor pages. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'xi_0123456789abcdef0123';
const ACCESS = { is_creator: false, creator_name: 'alice', creator_email: 'alice@example.com', role: 'viewer' };
const SUMMARY = { voice_id: 'voice', tags: [], created_at_unix_secs: 1, access_info: ACCESS };

export async function openElevenlabs() {
  const now = ticking();
  const branchOf = (id: string, name: string, text: string, share: number) => ({
    id: `${id}-${name}`,
    name,
    share,
    version: 1,
    updated: Math.floor(now() / 1000),
    text,
    nodes: {
      refund: {
        type: 'override_agent',
        label: 'Refund',
        additional_prompt: 'Be generous.',
        additional_knowledge_base: [],
        additional_tool_ids: [],
        edge_order: [],
        entry_behavior: 'auto',
        position: { x: 0, y: 0 },
        conversation_config: {},
      },
    },
  });
  const agents = new Map(
    PROMPTS.map((prompt) => {
      const id = idOf(prompt);
      return [
        id,
        {
          name: prompt,
          branches: [branchOf(id, 'main', originalText(prompt), 100), branchOf(id, 'trial', originalText(prompt), 0)],
        },
      ];
    }),
  );
  const live = (prompt: string) => agents.get(idOf(prompt))?.branches.find((branch) => branch.share > 0);
  const touch = (branch: ReturnType<typeof branchOf> | undefined, more: object): void =>
    void Object.assign(branch ?? {}, more, { version: (branch?.version ?? 0) + 1, updated: Math.floor(now() / 1000) });

  const server = await serveApi(({ method, parts: [, , , id = '', sub], query, headers, body }) => {
    if (headers['xi-api-key'] !== KEY)
      return { status: 401, body: { detail: { status: 'invalid_api_key', message: 'Invalid API key' } } };
    if (id === '') {
      const { page, next } = pageOf(
        [...agents.keys()],
        Number(query.get('cursor') ?? 0),
        Math.min(2, Number(query.get('page_size'))),
      );
      return {
        body: {
          agents: page.map((agent_id) => ({ ...SUMMARY, agent_id, name: agents.get(agent_id)?.name })),
          next_cursor: next === null ? null : String(next),
          has_more: next !== null,
        },
      };
    }
    const agent = agents.get(id);
    if (agent === undefined)
      return { status: 404, body: { detail: { status: 'agent_not_found', message: `No agent ${id}` } } };
    if (sub === 'branches') {
      const results = agent.branches.map(({ id: branch, name, share }) => ({
        id: branch,
        name,
        agent_id: id,
        current_live_percentage: share,
        description: '',
        created_at: 1,
        last_committed_at: 1,
        is_archived: false,
      }));
      return { body: { meta: { total: results.length }, results } };
    }
    const branch =
      query.get('branch_id') === null
        ? agent.branches[0]
        : agent.branches.find((each) => each.id === query.get('branch_id'));
    if (branch === undefined)
      return { status: 404, body: { detail: { status: 'branch_not_found', message: 'No branch' } } };
    if (method === 'PATCH') {
      const text = body.conversation_config?.agent?.prompt?.prompt ?? branch.text;
      touch(branch, { text, nodes: body.workflow?.nodes ?? branch.nodes });
    }
    return {
      body: {
        agent_id: id,
        name: agent.name,
        conversation_config: {
          agent: { prompt: { prompt: branch.text, llm: 'gemini-2.5-flash', temperature: 0 }, first_message: 'Hi' },
        },
        metadata: { created_at_unix_secs: 1, updated_at_unix_secs: branch.updated },
        workflow: { edges: {}, nodes: branch.nodes, prevent_subagent_loops: false },
        access_info: ACCESS,
        version_id: `${branch.id}-v${branch.version}`,
        branch_id: branch.id,
      },
    };
  });
  return {
    agents,
    ...httpPlace(server, 'agent_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => live(prompt)?.text ?? '',
      edit: (prompt, text) => touch(live(prompt), { text }),
      movePointer: (prompt) => {
        const [main, trial] = agents.get(idOf(prompt))?.branches ?? [];
        Object.assign(main ?? {}, { share: 0 });
        Object.assign(trial ?? {}, { share: 100 });
      },
      remove: (prompt) => void agents.delete(idOf(prompt)),
    }),
  };
}

export const elevenlabsFixture: SourceFixture = { type: 'elevenlabs', open: openElevenlabs };
