/**
 * Generated calls whose truth is known, reported the way real software does: nested views,
 * meaningless spans in between, agents and tools around, a second instrumentation in a trace of its
 * own, log records. And facts that nobody would send.
 */

import fc from 'fast-check';
import type { TokenParts } from '../../src/contract/invocation.ts';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { log, said, span } from './facts.ts';

interface TrueCall {
  /** Views around the innermost span. */
  readonly views: number;
  /** A meaningless span between two views, or none. */
  readonly linked: boolean;
  /** Also reported in another trace, under the same response id. */
  readonly twin: boolean;
  /** Content in a log record instead of on the span. */
  readonly logged: boolean;
  readonly failed: boolean;
  /** Another call that was made inside of it. */
  readonly helper: 'embeddings' | 'chat' | null;
  readonly input: number;
  /** Of the input; what is told of it by the outermost view, or the span itself where there is none. */
  readonly audio: number;
}

interface Work {
  readonly agents: readonly {
    readonly prompt: boolean;
    readonly boundary: 'agent' | 'tool' | null;
    /** The agent reports what all its calls used, as a call. */
    readonly sums: boolean;
    readonly calls: readonly TrueCall[];
  }[];
}

const trueCall: fc.Arbitrary<TrueCall> = fc.record({
  views: fc.integer({ min: 0, max: 3 }),
  linked: fc.boolean(),
  twin: fc.boolean(),
  logged: fc.boolean(),
  failed: fc.boolean(),
  helper: fc.constantFrom('embeddings', 'chat', null),
  input: fc.integer({ min: 1, max: 100_000 }),
  audio: fc.integer({ min: 0, max: 9 }),
});

const work: fc.Arbitrary<Work> = fc.record({
  agents: fc.array(
    fc.record({
      prompt: fc.boolean(),
      boundary: fc.constantFrom('agent', 'tool', null),
      sums: fc.boolean(),
      calls: fc.array(trueCall, { minLength: 0, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

interface Truth {
  readonly input: number | null;
  readonly audio: number;
  readonly prompt: string | null;
  readonly said: string;
}

/** Facts of the work, and what every true call must come to, in order of time. */
function report({ agents }: Work): { readonly facts: SpanFacts[]; readonly truth: Truth[] } {
  const facts: SpanFacts[] = [];
  const truth: Truth[] = [];
  let id = 1;
  let time = 0;
  for (const agent of agents) {
    const agentId = id++;
    const agentStart = time;
    for (const call of agent.calls) {
      const name = `call at ${time}`;
      facts.push(...reportCall(call, agentId, name, time, () => id++));
      truth.push({
        input: call.failed ? null : call.input,
        audio: call.failed ? 0 : call.audio,
        prompt: agent.prompt ? `prompt ${agentId}` : null,
        said: name,
      });
      // What failed has no id, and may be what failed inside.
      if (call.helper !== null && !call.failed)
        truth.push({ input: 9, audio: 0, prompt: null, said: `helper of ${name}` });
      time += 1_000;
    }
    const isSum = agent.sums && agent.boundary === 'agent';
    const asked = isSum && agent.calls.length === 0 ? `agent ${agentId}` : '';
    if (asked !== '')
      truth.push({ input: 999_999, audio: 0, prompt: agent.prompt ? `prompt ${agentId}` : null, said: asked });
    facts.push(
      span(agentId, null, [agentStart, time], {
        role: isSum ? 'call' : 'wrapper',
        tokens: { input: 999_999 },
        ...(isSum ? { input: [said('user', `agent ${agentId}`)], responseId: `id of agent ${agentId}` } : {}),
        ...(agent.boundary === null ? {} : { boundary: agent.boundary }),
        ...(agent.prompt ? { declared: { name: `prompt ${agentId}`, version: null, label: null } } : {}),
      }),
    );
  }
  return { facts, truth };
}

function reportCall(call: TrueCall, parent: number, name: string, start: number, nextId: () => number): SpanFacts[] {
  const facts: SpanFacts[] = [];
  const content = { input: [said('user', name)] };
  let above = parent;
  for (let depth = 0; depth < call.views; depth++) {
    const view = nextId();
    const tokens = { input: call.input, ...(depth === 0 ? partsOf(call) : {}) };
    facts.push(span(view, above, [start + depth, start + 900 - depth], { tokens, ...content }));
    above = view;
    if (call.linked) {
      const between = nextId();
      facts.push(span(between, above, [start + depth, start + 900 - depth], { role: 'link', dialects: [] }));
      above = between;
    }
  }
  const inner = nextId();
  const outcome = call.failed
    ? { error: { type: 'RateLimitError', message: name } }
    : {
        tokens: { input: call.input, output: 17, ...(call.views === 0 ? partsOf(call) : {}) },
        responseId: `id of ${name}`,
      };
  facts.push(span(inner, above, [start + 100, start + 800], { ...outcome, ...(call.logged ? {} : content) }));
  if (call.logged) facts.push(log(inner, `record of ${name}`, start + 110, content));
  if (call.helper !== null && !call.failed) {
    const tokens = { input: 9, output: 1 };
    const inside = { operation: call.helper, input: [said('user', `helper of ${name}`)], tokens };
    facts.push(span(nextId(), inner, [start + 200, start + 300], { ...inside, responseId: `helper id of ${name}` }));
  }
  if (call.twin && !call.failed) {
    const twin = nextId();
    const traceId = twin.toString(16).padStart(32, 'f');
    facts.push(span(twin, null, [start + 50, start + 850], { ...outcome, ...content, traceId }));
  }
  // What failed was reported by no view: the tokens of the views are unknown too.
  return call.failed ? facts.map(({ tokens: _tokens, ...fact }) => fact) : facts;
}

function partsOf({ audio }: TrueCall): { readonly parts?: TokenParts } {
  return audio === 0 ? {} : { parts: { input_audio: audio } };
}

export const reportedWork: fc.Arbitrary<{ readonly facts: SpanFacts[]; readonly truth: Truth[] }> = work.map(report);

/** Facts that nobody would send: any parents, any roles, any ids. */
export const anyFact: fc.Arbitrary<SpanFacts> = fc
  .record({
    id: fc.integer({ min: 1, max: 8 }),
    parent: fc.option(fc.integer({ min: 1, max: 8 })),
    trace: fc.constantFrom('a', 'b', ''),
    role: fc.constantFrom<SpanFacts['role'][]>('call', 'wrapper', 'link', 'detail', 'report', 'evaluation'),
    start: fc.integer({ min: 0, max: 20 }),
    length: fc.integer({ min: 0, max: 20 }),
    response: fc.option(fc.constantFrom('x', 'y')),
    input: fc.option(fc.integer({ min: 0, max: 3 })),
    audio: fc.option(fc.integer({ min: 1, max: 3 })),
    boundary: fc.constantFrom('tool', 'agent', null),
    twin: fc.option(fc.constantFrom('k', 'l')),
    by: fc.constantFrom('s1', 's2'),
  })
  .map((raw): SpanFacts => {
    const isLog = raw.role === 'detail' || raw.role === 'report' || raw.role === 'evaluation';
    const rest = {
      role: raw.role,
      traceId: raw.trace.repeat(32),
      ...(raw.response === null ? {} : { responseId: raw.response }),
      ...(raw.input === null
        ? {}
        : { tokens: { input: raw.input, ...(raw.audio === null ? {} : { parts: { input_audio: raw.audio } }) } }),
      ...(raw.input === null ? {} : { requestModel: 'm', operation: 'chat' as const }),
      ...(raw.boundary === null || raw.role !== 'wrapper' ? {} : { boundary: raw.boundary }),
      ...(raw.boundary === 'agent' && raw.role === 'call' ? { boundary: raw.boundary } : {}),
      ...(raw.twin === null ? {} : { twinKey: raw.twin, instrumentation: raw.by }),
      ...(raw.role === 'evaluation'
        ? { evaluations: [{ name: 'n', score: raw.start, label: null, explanation: null }] }
        : {}),
    };
    if (isLog) return log(raw.id, `r${raw.start}${raw.role}`, raw.start, { sequence: raw.length, ...rest });
    return span(raw.id, raw.parent, [raw.start, raw.start + raw.length], rest);
  });
