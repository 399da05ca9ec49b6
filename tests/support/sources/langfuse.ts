/** Langfuse's prompt API, from its published OpenAPI types: versions, labels, pages, references and pushes. */

import { createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { pageOf, serveApi, type ApiAnswer, type ApiRequest } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

const PUBLIC = 'pk-lf-0123456789';
const SECRET = 'sk-lf-9876543210';
const WEBHOOK_SECRET = 'lf-whsec-abcdef0123';

interface Row {
  readonly name: string;
  readonly version: number;
  readonly prompt: unknown;
  readonly config: unknown;
  labels: string[];
  readonly tags: string[];
  readonly createdBy: string;
  readonly createdAt: string;
  updatedAt: string;
}

export interface LangfuseStandIn extends StandIn {
  readonly origin: string;
  readonly credentials: { readonly publicKey: string; readonly secretKey: string };
  readonly requests: ApiRequest[];
  /** Writes a new version as somebody in the user interface would. */
  write(name: string, prompt: unknown, labels: readonly string[], by?: string): void;
  rows(name: string): readonly Row[];
}

export async function openLangfuse(): Promise<LangfuseStandIn> {
  const rows: Row[] = [];
  let ticks = 0;
  const tick = (): string => new Date(Date.parse('2026-11-20T02:00:00Z') + (ticks += 1_000)).toISOString();
  const of = (name: string): Row[] => rows.filter((row) => row.name === name);
  const label = (row: Row, labels: readonly string[]): void => {
    for (const other of of(row.name)) {
      const kept = other.labels.filter((each) => !labels.includes(each));
      if (other !== row && kept.length < other.labels.length) Object.assign(other, { labels: kept, updatedAt: tick() });
    }
    row.labels = [...new Set([...row.labels, ...labels])];
    row.updatedAt = tick();
  };
  const write = (name: string, prompt: unknown, labels: readonly string[], by = 'alice', config: unknown = {}): Row => {
    const at = tick();
    const row = {
      name,
      version: of(name).length + 1,
      prompt,
      config,
      labels: [],
      tags: [],
      createdBy: by,
      createdAt: at,
      updatedAt: at,
    };
    rows.push(row);
    label(row, [...labels, 'latest']);
    return row;
  };
  const resolved = (prompt: unknown): unknown =>
    JSON.parse(
      JSON.stringify(prompt).replaceAll(
        /@@@langfusePrompt:name=([^|]+)\|label=([^@]+)@@@/g,
        (_all, name: string, wanted: string) =>
          JSON.stringify(of(name).find((row) => row.labels.includes(wanted))?.prompt ?? '').slice(1, -1),
      ),
    );

  const list = (query: URLSearchParams): ApiAnswer => {
    const limit = Math.min(2, Number(query.get('limit') ?? 50));
    const page = Number(query.get('page') ?? 1);
    const names = [...new Set(rows.map((row) => row.name))]
      .map((name) =>
        of(name)
          .filter((row) => query.get('label') === null || row.labels.includes(query.get('label') ?? ''))
          .filter((row) => row.updatedAt >= (query.get('fromUpdatedAt') ?? '')),
      )
      .filter((found) => found.length > 0 && [null, found[0]?.name].includes(query.get('name')))
      .map((found) => ({
        name: found[0]?.name,
        type: 'text',
        versions: found.map((row) => row.version),
        labels: found.flatMap((row) => row.labels),
        tags: [],
        lastUpdatedAt: found.map((row) => row.updatedAt).toSorted((a, b) => (a < b ? 1 : -1))[0] ?? '',
      }));
    const meta = { page, limit, totalItems: names.length, totalPages: Math.ceil(names.length / limit) };
    return { body: { data: pageOf(names, (page - 1) * limit, limit).page, meta } };
  };

  const server = await serveApi(({ method, parts, query, headers, body }) => {
    const expected = `Basic ${Buffer.from(`${PUBLIC}:${SECRET}`).toString('base64')}`;
    if (headers['authorization'] !== expected) return { status: 401, body: { message: 'Invalid credentials.' } };
    const [, , , , name, , version] = parts;
    if (name === undefined) {
      if (method !== 'POST') return list(query);
      return { status: 201, body: write(body.name, body.prompt, body.labels, 'API', body.config) };
    }
    const wanted = version ?? query.get('version');
    const row = of(name).find((each) =>
      wanted === null ? each.labels.includes(query.get('label') ?? 'production') : each.version === Number(wanted),
    );
    if (row === undefined)
      return { status: 404, body: { message: 'Prompt not found', error: 'LangfuseNotFoundError' } };
    if (method === 'PATCH') {
      if (body.newLabels.includes('latest')) return { status: 400, body: { message: 'latest is reserved' } };
      label(row, body.newLabels);
      return { body: row };
    }
    const type = typeof row.prompt === 'string' ? 'text' : 'chat';
    return { body: { ...row, type, prompt: query.get('resolve') === 'false' ? row.prompt : resolved(row.prompt) } };
  });

  for (const prompt of PROMPTS) {
    write(prompt, 'A draft.', []);
    write(prompt, originalText(prompt), ['production'], 'alice', { model: 'gpt-5', temperature: 0 });
  }
  const live = (prompt: string): Row | undefined => of(prompt).find((row) => row.labels.includes('production'));
  return {
    origin: server.origin,
    credentials: { publicKey: PUBLIC, secretKey: SECRET },
    requests: server.requests,
    write: (name, prompt, labels, by) => void write(name, prompt, labels, by),
    rows: of,
    config: { base_url: server.origin, public_key: PUBLIC, secret_key: SECRET, webhook_secret: WEBHOOK_SECRET },
    targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
    secrets: [SECRET, WEBHOOK_SECRET],
    editor: 'mallory',
    text: (prompt) => String(live(prompt)?.prompt),
    edit: (prompt, text) => void write(prompt, text, ['production'], 'mallory'),
    movePointer: (prompt) => {
      const [first] = of(prompt);
      if (first !== undefined) label(first, ['production']);
    },
    remove: (prompt) => void rows.splice(0, rows.length, ...rows.filter((row) => row.name !== prompt)),
    troubles: server.troubles,
    trouble: server.trouble,
    pushesAreDated: true,
    push: (prompt, atMillis) => {
      const t = Math.floor(atMillis / 1000);
      const body = Buffer.from(
        JSON.stringify({ id: '1', type: 'prompt-version', action: 'updated', prompt: live(prompt) }),
      );
      const v1 = createHmac('sha256', WEBHOOK_SECRET).update(`${t}.`).update(body).digest('hex');
      return {
        headers: { 'x-langfuse-signature': `t=${t},v1=${v1}` },
        body,
        query: {},
        receivedAt: timestampFromMillis(atMillis),
      };
    },
    close: server.close,
  };
}

export const langfuseFixture: SourceFixture = { type: 'langfuse', open: openLangfuse };
