/**
 * What belongs together and comes apart: judgements before and after their call, reports of one call
 * by two instrumentations, the sum of an agent's requests and these, an hour between them, in any order, with and
 * without a restart. SEED repeats a run.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { KnowledgeHorizon, type Learning } from '../../src/lib/knowledge-horizon.ts';
import { millisFromTimestamp } from '../../src/lib/time.ts';
import { shuffled } from '../dialects/rearrange.ts';
import { seededRandom } from '../support/random.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { TurnableClock } from '../support/turnable-clock.ts';
import {
  chatAttributes,
  createIngest,
  eventually,
  hexId,
  logsBody,
  openStore,
  tracesBody,
  type LogDraft,
  type OpenStore,
  type SpanDraft,
} from './harness.ts';
import { factsInMemory } from './window-facts.ts';

const HOUR_MS = 3_600_000;
const { seed } = seededRandom();

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store.database.close());

type Piece = { readonly span: SpanDraft } | { readonly log: LogDraft };

interface Told {
  /** Everything that is sent, each in a request of its own, an hour after the one before. */
  readonly pieces: readonly Piece[];
  /** Of the one call that they are about; null when there is none. */
  readonly spanId: string | null;
  readonly evaluations: readonly string[];
}

function judgement(name: string, timeMs: number, where: Partial<LogDraft>, responseId?: string): Piece {
  const attributes = {
    'gen_ai.evaluation.name': name,
    'gen_ai.evaluation.score.value': 1,
    ...(responseId !== undefined && { 'gen_ai.response.id': responseId }),
  };
  return { log: { timeMs, eventName: 'gen_ai.evaluation.result', attributes, ...where } };
}

function judgedCall(service: string, startMs: number): Told {
  const responseId = `chatcmpl-${hexId(12)}`;
  const traceId = hexId(16);
  const [rootId, spanId] = [hexId(8), hexId(8)];
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: `hello ${traceId}` }], 'hi', {
    'gen_ai.response.id': responseId,
  });
  const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper' };
  return {
    spanId,
    evaluations: ['by another trace', 'by its parent', 'by its span', 'by no trace'],
    pieces: [
      { span: { traceId, spanId, parentSpanId: rootId, startMs, service, attributes } },
      { span: { traceId, spanId: rootId, startMs: startMs - 10, durationMs: 600, service, attributes: agent } },
      judgement('by its span', startMs + 900, { traceId, spanId }),
      judgement('by its parent', startMs + 900, { traceId, spanId: rootId }),
      judgement('by another trace', startMs + 900, { traceId: hexId(16), spanId: hexId(8) }, responseId),
      judgement('by no trace', startMs + 900, {}, responseId),
    ],
  };
}

/** Two instrumentations report one call in two traces; only the inner one knows the response id. */
function twins(service: string, startMs: number): Told {
  const question = `hello ${hexId(8)}`;
  const spanId = hexId(8);
  const attributes = {
    'openinference.span.kind': 'LLM',
    'llm.model_name': 'gpt-4o',
    'llm.input_messages.0.message.role': 'user',
    'llm.input_messages.0.message.content': question,
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.content': 'hi',
    'llm.token_count.prompt': 42,
    'llm.token_count.completion': 17,
  };
  const raw = JSON.stringify({ id: `chatcmpl-${hexId(12)}`, object: 'chat.completion', choices: [] });
  const inner = { ...attributes, 'output.value': raw, 'output.mime_type': 'application/json' };
  const chain = { 'openinference.span.kind': 'CHAIN' };
  const [traceId, rootId] = [hexId(16), hexId(8)];
  return {
    spanId,
    evaluations: [],
    pieces: [
      { span: { traceId, spanId: rootId, startMs: startMs - 10, service, scope: 'framework', attributes: chain } },
      { span: { traceId, parentSpanId: rootId, startMs, durationMs: 700, service, scope: 'framework', attributes } },
      { span: { traceId: hexId(16), spanId, startMs: startMs + 20, service, scope: 'client', attributes: inner } },
    ],
  };
}

const SESSION_SCOPE = 'openinference.instrumentation.claude_agent_sdk';

function queryOf(service: string, session: string, startMs: number): Piece {
  const attributes = {
    'openinference.span.kind': 'AGENT',
    'session.id': session,
    'llm.model_name': 'claude-sonnet-4-6',
    'input.value': 'hello',
    'output.value': 'hi',
    'llm.token_count.prompt': 52,
    'llm.token_count.completion': 34,
    'llm.token_count.prompt_details.cache_read': 32,
  };
  return { span: { startMs, durationMs: 4_000, service, scope: SESSION_SCOPE, attributes } };
}

/** The sum of what an agent asked for, and in another trace what it did by itself. */
function sumAndRequest(service: string, startMs: number): Told {
  const [session, traceId, interactionId, spanId] = [hexId(8), hexId(16), hexId(8), hexId(8)];
  const scope = 'com.anthropic.claude_code.tracing';
  const interaction = { 'span.type': 'interaction', 'session.id': session };
  const request = {
    'span.type': 'llm_request',
    'session.id': session,
    model: 'm',
    input_tokens: 52,
    output_tokens: 34,
  };
  const inner = { traceId, service, scope };
  return {
    spanId,
    evaluations: [],
    pieces: [
      queryOf(service, session, startMs),
      { span: { ...inner, spanId: interactionId, startMs: startMs + 1_500, attributes: interaction } },
      { span: { ...inner, spanId, parentSpanId: interactionId, startMs: startMs + 1_600, attributes: request } },
    ],
  };
}

/** The same, where the agent tells of it by records outside of any trace. */
function sumAndPrompt(service: string, startMs: number): Told {
  const session = hexId(8);
  const prompt = {
    timeMs: startMs + 1_500,
    eventName: 'claude_code.user_prompt',
    attributes: { 'session.id': session },
  };
  return { spanId: null, evaluations: [], pieces: [queryOf(service, session, startMs), { log: prompt }] };
}

const NOON = '2026-11-20T12:00:00.000000000Z' as Timestamp;

/** Knows how many rounds were settled and written: each tells here that it begins and ends. */
class CountedRounds extends KnowledgeHorizon {
  ended = 0;

  override begin(): Learning {
    const { at, end } = super.begin();
    return {
      at,
      end: () => {
        end();
        this.ended += 1;
      },
    };
  }
}

class Daemon {
  readonly clock = new TurnableClock(NOON);
  readonly rounds = new CountedRounds(this.clock);
  readonly #dataDirectory = tempDirectory();
  readonly #seenTracesMax: number;
  #ingest: Ingest | null = null;

  constructor(seenTracesMax: number) {
    this.#seenTracesMax = seenTracesMax;
  }

  async restart(): Promise<void> {
    await this.#ingest?.stop(60_000);
    this.#ingest = createIngest(store.telemetry, {
      clock: this.clock,
      horizon: this.rounds,
      dataDirectory: this.#dataDirectory,
      limits: { quietMs: 0, provisionalMs: 0, roundEveryMs: 0, retainMs: 30_000, seenTracesMax: this.#seenTracesMax },
    });
    await this.#ingest.start();
  }

  async send(piece: Piece): Promise<void> {
    const answer = await this.#ingest?.accept(
      'span' in piece
        ? { signal: 'traces', encoding: 'json', body: tracesBody([piece.span]) }
        : { signal: 'logs', encoding: 'json', body: logsBody([piece.log]) },
    );
    if (answer?.outcome !== 'durable') throw new Error(`It was answered ${answer?.outcome}.`);
  }

  async stop(): Promise<void> {
    await this.#ingest?.stop(60_000);
    this.#ingest = null;
  }
}

async function stored(service: string) {
  const { items } = await store.invocations.list({ service }, { limit: 10 });
  return items.map(({ invocation }) => ({
    spanId: invocation.spanId,
    evaluations: invocation.evaluations.map(({ name }) => name).toSorted(),
  }));
}

interface Circumstances {
  readonly order: number;
  /** Between one piece and the next. */
  readonly restarts: boolean;
  /** How much a daemon remembers of what it has seen. */
  readonly seenTracesMax: number;
}

async function sendAll(daemon: Daemon, told: Told, { order, restarts }: Circumstances): Promise<void> {
  for (const piece of shuffled(told.pieces, order)) {
    const before = daemon.rounds.ended;
    await daemon.send(piece);
    await eventually(
      async () => daemon.rounds.ended,
      (ended) => ended > before,
    );
    daemon.clock.advance(Math.floor((HOUR_MS - 60_000) / (told.pieces.length - 1)));
    // What was settled is forgotten.
    await factsInMemory((facts) => facts === 0);
    if (restarts) await daemon.restart();
  }
}

describe(`what comes up to an hour late, seed ${seed}`, () => {
  const cases = [judgedCall, twins, sumAndRequest, sumAndPrompt].flatMap((make) =>
    [
      { restarts: false, seenTracesMax: 10_000 },
      { restarts: true, seenTracesMax: 10_000 },
      // So small that it forgets at once what it has seen.
      { restarts: false, seenTracesMax: 1 },
    ].flatMap((circumstances) => [0, 1].map((order) => ({ make, order: seed + order, ...circumstances }))),
  );
  it.each(cases)('$make.name, order $order, restarts $restarts, remembers $seenTracesMax', async (given) => {
    const service = `late-${hexId(6)}`;
    const daemon = new Daemon(given.seenTracesMax);
    await daemon.restart();
    // Long enough after the start: what is as old as the daemon is looked for in the store in any case.
    daemon.clock.advance(HOUR_MS);
    const startMs = millisFromTimestamp(daemon.clock.now()) - 5_000;
    const told = given.make(service, startMs);
    const expected = told.spanId === null ? [] : [{ spanId: told.spanId, evaluations: told.evaluations }];
    const isRight = (calls: unknown): boolean => JSON.stringify(calls) === JSON.stringify(expected);
    try {
      await sendAll(daemon, told, given);
      expect(await eventually(() => stored(service), isRight, 15_000)).toEqual(expected);
    } finally {
      await daemon.stop();
    }
  });
});

it('finds the call that is judged days later, also after a restart', async () => {
  const service = `judged-${hexId(6)}`;
  const daemon = new Daemon(10_000);
  await daemon.restart();
  const startMs = millisFromTimestamp(daemon.clock.now()) - 5_000;
  const told = judgedCall(service, startMs);
  const [call, root, ...judgements] = told.pieces as [Piece, Piece, ...Piece[]];
  const settled = async (piece: Piece): Promise<void> => {
    const before = daemon.rounds.ended;
    await daemon.send(piece);
    await eventually(
      async () => daemon.rounds.ended,
      (ended) => ended > before,
    );
  };
  try {
    await settled(call);
    await settled(root);
    daemon.clock.advance(5 * 24 * HOUR_MS);
    await daemon.restart();
    // By its span, and by the one around it.
    for (const piece of judgements.slice(0, 2)) {
      if ('log' in piece) await settled({ log: { ...piece.log, timeMs: millisFromTimestamp(daemon.clock.now()) } });
    }
    const expected = [{ spanId: told.spanId, evaluations: ['by its parent', 'by its span'] }];
    const isRight = (calls: unknown): boolean => JSON.stringify(calls) === JSON.stringify(expected);
    expect(await eventually(() => stored(service), isRight, 10_000)).toEqual(expected);
  } finally {
    await daemon.stop();
  }
});

it('takes judgements of senders without a clock, who say that it is 1970', async () => {
  const ingest = createIngest(store.telemetry);
  await ingest.start();
  const piece = judgement('timeless', 0, { traceId: hexId(16), spanId: hexId(8) });
  const body = 'log' in piece ? logsBody([piece.log]) : Buffer.alloc(0);
  expect((await ingest.accept({ signal: 'logs', encoding: 'json', body })).outcome).toBe('durable');
  await ingest.stop(60_000);
});
