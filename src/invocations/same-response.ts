/**
 * Reports that have one response id to the calls that they are of. An id is no proof by itself: of
 * some model servers many responses at a time have the same one, or all of them; and a response that
 * is served again later from a cache is another call. So the reports of one call overlap, count the
 * same, and are of different reporters; unless the one lies in the other, these must surely differ.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import { areOfTwoKinds, kindOf } from './evidence.ts';
import { type Counted, compareTokens, joinTokens, tokensOf } from './tokens.ts';
import { type TraceNode } from './trace.ts';
import { compareText } from '../lib/compare.ts';
import { type CallUnit, compareUnits, endOf, factsOfUnit, startOf } from './units.ts';

// Where all responses have one id, a report is compared with the calls that began last: reports of one begin together.
const COMPARED_MAX = 64;

/** Goes over the reports by start, of those that start together the longest first. */
export function groupSharing(units: readonly CallUnit[]): readonly (readonly CallUnit[])[] {
  if (units.length === 1) return [units];
  const calls: SharedCall[] = [];
  let open: SharedCall[] = [];
  for (const report of units.map(reportOf).toSorted(outermostFirst)) {
    open = open.filter(({ end }) => report.start <= end);
    const known = callOf(report, open);
    if (known !== undefined) {
      known.add(report);
      continue;
    }
    const call = new SharedCall(report);
    calls.push(call);
    open.push(call);
    if (open.length > COMPARED_MAX) open.shift();
  }
  return calls.map(({ units: reports }) => reports);
}

/** One that it lies in rather than one that it only overlaps; of several the one that began last. */
function callOf(report: Report, open: readonly SharedCall[]): SharedCall | undefined {
  let beside: SharedCall | undefined;
  for (let index = open.length - 1; index >= 0; index--) {
    const call = open[index] as SharedCall;
    if (call.isOther(report)) continue;
    if (report.end <= call.innerEnd) return call;
    if (beside === undefined && call.mayBeBeside(report)) beside = call;
  }
  return beside;
}

interface Report {
  readonly unit: CallUnit;
  readonly start: string;
  readonly end: string;
  readonly kind: ReturnType<typeof kindOf>;
  readonly tokens: Counted;
  readonly service: string;
  /** Who reported it, as far as that is known: the scope, else the dialects. */
  readonly voice: string;
  /** Null where the scope is not known: two instrumentations may speak one dialect. */
  readonly reporter: string | null;
}

function reportOf(unit: CallUnit): Report {
  const facts = factsOfUnit(unit);
  const { service = '', instrumentation, dialects } = facts[0] as SpanFacts;
  return {
    unit,
    start: startOf(unit),
    end: endOf(unit),
    kind: kindOf(facts),
    tokens: tokensOf(facts),
    service,
    voice: instrumentation ?? dialects.join(' '),
    reporter: instrumentation === undefined ? null : `${service}/${instrumentation}`,
  };
}

function outermostFirst(a: Report, b: Report): number {
  return compareText(a.start, b.start) || compareText(b.end, a.end) || compareUnits(a.unit, b.unit);
}

/** What the reports of one call say together, as far as they have been gone through. */
class SharedCall {
  readonly units: CallUnit[] = [];
  end = '';
  /** When the first of its reports ends. */
  innerEnd: string;
  #kind: Report['kind'];
  #tokens: Counted;
  readonly #services = new Set<string>();
  readonly #voices = new Set<string>();
  readonly #reporters = new Set<string | null>();
  readonly #spans = new Set<TraceNode>();
  /** Spans around its reports. */
  readonly #around = new Set<TraceNode>();

  constructor(first: Report) {
    this.innerEnd = first.end;
    this.#kind = first.kind;
    this.#tokens = first.tokens;
    this.add(first);
  }

  add(report: Report): void {
    const { unit, end } = report;
    if (end > this.end) this.end = end;
    if (end < this.innerEnd) this.innerEnd = end;
    this.#kind ??= report.kind;
    this.#tokens = joinTokens(this.#tokens, report.tokens);
    this.units.push(unit);
    this.#services.add(report.service);
    this.#voices.add(report.voice);
    this.#reporters.add(report.reporter);
    this.#spans.add(unit.call);
    for (const node of unit.context) this.#around.add(node);
  }

  /** True when something proves it: other work, other tokens, one of the same reporter, or a call inside it that is another. */
  isOther({ unit, kind, tokens, reporter }: Report): boolean {
    return (
      areOfTwoKinds(kind, this.#kind) ||
      (reporter !== null && this.#reporters.has(reporter)) ||
      compareTokens(tokens, this.#tokens) === 'different' ||
      this.#around.has(unit.call) ||
      unit.context.some((node) => this.#spans.has(node))
    );
  }

  /** Reports that only overlap: of different instrumentations, or of two services whose clocks differ. */
  mayBeBeside({ voice, service, tokens }: Report): boolean {
    return (
      !this.#voices.has(voice) || (!this.#services.has(service) && compareTokens(tokens, this.#tokens) === 'equal')
    );
  }
}
