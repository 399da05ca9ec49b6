/**
 * A closer look at single calls whose stored attribution does not say enough: which prompt is this
 * text an edit of? Reads calls and remembers what it found; at most so many new ones in one round.
 */

import { besideNear, withNear } from '../../attribution/index.ts';
import type { Attribution, AttributionQuery, NearMatch } from '../../contract/attribution.ts';
import { describeError } from '../../contract/fault.ts';
import type { InvocationLog, InvocationRow } from '../../contract/invocation-log.ts';
import type { Invocation, Message } from '../../contract/invocation.ts';
import type { Clock } from '../../contract/time.ts';
import type { TrafficExample, TrafficRow } from '../../contract/traffic-log.ts';
import { isCutJson } from '../../dialects/json-text.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { forEachConcurrently } from '../../lib/limits.ts';
import { Slices } from '../../lib/slices.ts';
import type { Steps } from '../../lib/steps.ts';
import { addMillis } from '../../lib/time.ts';
import type { Log } from '../../observability/log.ts';
import { isInstructing } from '../../text/roles.ts';
import { storedQuery } from '../attribution/call-attribution.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import { promptOf, type ExampleAnswer } from './traffic-groups.ts';

export interface TrafficExamplesOptions {
  readonly calls: Pick<InvocationLog, 'list'>;
  readonly log: Log;
  readonly registry: () => RegistryView;
  /** Registered versions only. */
  readonly attribute: (query: AttributionQuery) => Attribution;
  readonly near: (query: AttributionQuery) => Steps<readonly NearMatch[]>;
  readonly clock: Clock;
}

/** Each costs a query and, if it is unknown, milliseconds of looking for near matches. */
const NEW_PER_ROUND_MAX = 200;
/** Twice this many answers are remembered; an instruction of 5 KB each makes 20 MB. */
const REMEMBERED = 2_000;
const TRACE_CALLS_MAX = 100;
const READS_AT_ONCE = 4;
const NOT_KEPT = /\[not kept: sha256:[0-9a-f]{64}\]/;

export class TrafficExamples {
  readonly #options: TrafficExamplesOptions;
  readonly #answers = new GenerationalCache<string, ExampleAnswer>(REMEMBERED);
  #answeredFor: RegistryView | null = null;
  #newLeft = 0;

  constructor(options: TrafficExamplesOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#newLeft = NEW_PER_ROUND_MAX;
    const view = this.#options.registry();
    if (this.#answeredFor !== view) this.#answers.clear();
    this.#answeredFor = view;
  }

  /** Answers about the first `limit` examples of a row, as far as this round may still look. */
  async answers(row: TrafficRow, limit: number): Promise<readonly ExampleAnswer[]> {
    const answers: ExampleAnswer[] = [];
    await forEachConcurrently(row.examples.slice(0, limit), READS_AT_ONCE, async (example) => {
      const answer = await this.#answer(row, example);
      if (answer !== null) answers.push(answer);
    });
    return answers;
  }

  async #answer(row: TrafficRow, example: TrafficExample): Promise<ExampleAnswer | null> {
    const key = `${example.traceId}/${example.spanId}/${row.kind}`;
    const known = this.#answers.get(key, 1);
    if (known !== undefined) return known;
    if (this.#newLeft <= 0) return null;
    this.#newLeft -= 1;
    const call = await this.#read(example);
    if (call === null) return null;
    const query = storedQuery(call.invocation);
    const wasRead = query.messages?.some(({ content }) => NOT_KEPT.test(content)) === false;
    const attribution = wasRead ? await this.#attributionOf(query, wasCut(call.invocation)) : notKept(row);
    const answer: ExampleAnswer = {
      startedAt: example.startedAt,
      wasRead,
      prompt: attribution.matches[0]?.prompt ?? attribution.near[0]?.prompt ?? promptOf(row),
      attribution,
      hash: call.promptHash,
      text: instructionText(call.invocation.input),
    };
    this.#answers.set(key, answer, 1);
    return answer;
  }

  async #read({ traceId, spanId, startedAt }: TrafficExample): Promise<InvocationRow | null> {
    try {
      const filter = { traceId, from: startedAt, to: addMillis(startedAt, 1) };
      const { items } = await this.#options.calls.list(filter, { limit: TRACE_CALLS_MAX });
      return items.find((row) => row.invocation.spanId === spanId) ?? null;
    } catch (error) {
      this.#options.log.warn({ error: describeError(error), traceId }, 'a call could not be looked at');
      return null;
    }
  }

  async #attributionOf(query: AttributionQuery, isCut: boolean): Promise<Attribution> {
    const attribution = this.#options.attribute(query);
    if (attribution.kind !== 'unknown') return attribution;
    if (isCut) return unchecked(attribution, 'the texts were cut by who reported them');
    const near = await new Slices(this.#options.clock).run(this.#options.near(query));
    const answer = near.length === 0 ? attribution : withNear(attribution, near);
    return near.some((match) => match.isCut === true) ? unchecked(answer, answer.words) : answer;
  }
}

/** Of an answer that was cut the question is still whole. */
function wasCut({ incomplete, input }: Invocation): boolean {
  if (!incomplete.includes('content_truncated')) return false;
  return (input ?? []).some(({ parts }) => parts.some((part) => part.type === 'text' && isCutJson(part.text)));
}

/** What is there of a text that was cut is no evidence of what is not. */
function unchecked(attribution: Attribution, words: string): Attribution {
  return { ...besideNear(attribution, attribution.near), kind: 'unverifiable', contradictsDeclaration: false, words };
}

/** The text was there when the call was attributed: what was said then stands. */
function notKept({ kind }: TrafficRow): Attribution {
  return { kind, matches: [], near: [], contradictsDeclaration: false, words: 'the texts were not kept' };
}

function instructionText(input: readonly Message[] | null): string | null {
  const message = input?.find(({ role }) => isInstructing(role)) ?? input?.[0];
  if (message === undefined) return null;
  return message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}
