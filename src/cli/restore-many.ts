/**
 * Puts many places back with one command: looks at each, says what would be done, asks once, and writes only over what
 * it listed. Whatever ended in between, the same command goes on where it was.
 */

import { describeError, Fault, isFault } from '../contract/fault.ts';
import { forEachConcurrently } from '../lib/limits.ts';
import type { DaemonClient } from './client.ts';
import { colourDiff, styled, table, type Output } from './output.ts';

/** One content of one target that is to be put back. */
export interface Place {
  readonly target: string;
  readonly part: string;
  /** What was seen there; null: whatever is there. */
  readonly seen: string | null;
  readonly incident: string | null;
}

export interface Outcome {
  readonly target: string;
  readonly version: string;
  readonly result: 'restored' | 'planned' | 'nothing_to_do' | 'not_confirmed';
  readonly before_hash: string | null;
  readonly diff: string;
  readonly words: string;
}

export interface Report {
  readonly place: Place;
  readonly result: Outcome['result'] | 'failed' | 'not_tried';
  readonly outcome: Outcome | null;
  readonly words: string;
  /** Nobody answered. */
  readonly isSilent?: boolean;
}

export interface Wishes {
  readonly version: string | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Whether to go on, asked once. */
  readonly agrees: (question: string) => Promise<boolean>;
  /** From its abort on nothing more is begun. */
  readonly signal: AbortSignal;
}

/** The daemon looks at those that wait together at once, and writes to a source a few at a time. */
const AT_ONCE_PER_SOURCE = 25;

/** Those that are asked for together wait for each other at the place; the HTTP client itself ends at 300 s. */
const RESTORE_TIMEOUT_MS = 290_000;

/** Every place has a report. */
export async function restoreMany(
  client: DaemonClient,
  output: Output,
  places: readonly Place[],
  wishes: Wishes,
): Promise<readonly Report[]> {
  const ask = async (place: Place, dryRun: boolean): Promise<Report> => {
    const { target, part, seen } = place;
    try {
      const outcome = await client.post<Outcome>(
        '/api/v1/restore',
        {
          target,
          version: wishes.version,
          part: part === '' ? undefined : part,
          expect_hash: seen ?? undefined,
          dry_run: dryRun,
          reason: wishes.reason,
        },
        RESTORE_TIMEOUT_MS,
      );
      return { place, result: outcome.result, outcome, words: outcome.words };
    } catch (error) {
      if (!isFault(error)) throw error;
      const words = describeError(error);
      // A daemon that does not answer in time does not say about what.
      const told = words.includes(target) ? words : `${nameOf(place)}: ${words}`;
      return { place, result: 'failed', outcome: null, words: told, isSilent: error.kind === 'transient' };
    }
  };
  output.note(`Looking at ${counted(places.length, 'place')} …`);
  const plan = await eachPlace(places, wishes.signal, (place) => ask(place, true));
  const planned = plan.filter(({ result }) => result === 'planned');
  if (!wishes.json) describePlan(plan, output);
  if (wishes.dryRun || planned.length === 0) return plan;
  if (wishes.signal.aborted || !(await wishes.agrees(`Put ${counted(planned.length, 'place')} back?`)))
    return plan.map((report) => (report.result === 'planned' ? notTried(report.place) : report));
  let done = 0;
  const written = await eachPlace(planned.map(listed), wishes.signal, async (place) => {
    const report = await ask(place, false);
    output.note(`${String(++done).padStart(String(planned.length).length)}/${planned.length}  ${report.words}`);
    return report;
  });
  return [...plan.filter(({ result }) => result !== 'planned'), ...written];
}

/** The place with what the plan saw there: whatever came since is not written over. */
function listed({ place, outcome }: Report): Place {
  return { ...place, seen: outcome?.before_hash ?? 'missing' };
}

function notTried(place: Place, why = ''): Report {
  return { place, result: 'not_tried', outcome: null, words: `${nameOf(place)} was not tried${why}.` };
}

async function eachPlace(
  places: readonly Place[],
  signal: AbortSignal,
  work: (place: Place) => Promise<Report>,
): Promise<readonly Report[]> {
  const reports = new Map<Place, Report>();
  const ask = async (place: Place): Promise<void> => {
    reports.set(place, signal.aborted ? notTried(place) : await work(place));
  };
  const bySource = Map.groupBy(places, ({ target }) => target.split('/', 1)[0] ?? '');
  await Promise.all(
    [...bySource].map(async ([source, ofSource]) => {
      const first = ofSource.slice(0, AT_ONCE_PER_SOURCE);
      const rest = ofSource.slice(AT_ONCE_PER_SOURCE);
      await forEachConcurrently(first, AT_ONCE_PER_SOURCE, ask);
      // One that hangs would hold up all others for as long as each of its places takes.
      if (first.every((place) => reports.get(place)?.isSilent === true))
        for (const place of rest)
          reports.set(place, notTried(place, `: ${source} gave no answer for ${first.length} others`));
      else await forEachConcurrently(rest, AT_ONCE_PER_SOURCE, ask);
    }),
  );
  return places.map((place) => reports.get(place) ?? notTried(place));
}

const MARKS = {
  planned: ['yellow', 'would write'],
  nothing_to_do: ['green', 'right already'],
  restored: ['green', 'put back'],
  not_confirmed: ['red', 'not confirmed'],
  failed: ['red', 'failed'],
  not_tried: ['yellow', 'not tried'],
} as const;

function describePlan(plan: readonly Report[], output: Output): void {
  const rows = plan.map(({ place, result, outcome, words }) => {
    const [style, mark] = MARKS[result];
    const what =
      outcome === null ? words : result === 'planned' ? `to ${outcome.version}, ${linesOf(outcome.diff)}` : '';
    return [styled(output, style, mark), nameOf(place), what];
  });
  output.print(table(rows));
  const changes = new Set(
    plan.flatMap(({ result, outcome }) => (result === 'planned' ? changedLines(outcome?.diff ?? '').join('\n') : [])),
  );
  const [change = ''] = changes;
  // Of many that differ nobody reads all; each is shown by its own dry run.
  if (changes.size === 1 && change !== '') output.print(`\nin each of them:\n${colourDiff(output, change)}\n`);
}

/** Without what stands around them: one pipeline may write the same into unlike prompts. */
function changedLines(diff: string): readonly string[] {
  return diff
    .split('\n')
    .slice(2)
    .filter((line) => /^[+-]/.test(line));
}

function linesOf(diff: string): string {
  const lines = changedLines(diff);
  const starting = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  return `+${starting('+')} −${starting('-')} lines`;
}

export function nameOf({ target, part }: Pick<Place, 'target' | 'part'>): string {
  return part === '' ? target : `${target} (${part})`;
}

/** 0: all hold what they should. 1: some do not, and it is said which. 2: some could not be asked, or written. */
export function conclude(reports: readonly Report[], output: Output): 0 | 1 | 2 {
  const of = (result: Report['result']): readonly Report[] => reports.filter((report) => report.result === result);
  const told = Object.entries(MARKS).flatMap(([result, [style, mark]]) => {
    const { length } = of(result as Report['result']);
    return length === 0 ? [] : [styled(output, style, `${length} ${mark}`)];
  });
  output.note(told.join(', '));
  const left = [...of('not_confirmed'), ...of('failed')];
  for (const { words } of left) output.note(`  ${words}`);
  if (of('not_tried').length > 0) output.note('The same command goes on with what was not tried.');
  if (of('failed').length > 0 || of('not_tried').length > 0) return 2;
  return of('not_confirmed').length > 0 ? 1 : 0;
}

export function reportJson({ place, result, outcome, words }: Report): object {
  const { target, part, incident } = place;
  const { version = null, before_hash = null, diff = '' } = outcome ?? {};
  return { target, part, incident, result, version, before_hash, diff, words };
}

export function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

export function nothingToPutBack(): Fault {
  return new Fault('config', 'Nothing that was asked for is to be put back.', {
    hint: '`plumbline incidents` lists what is wrong. A target is SOURCE/prompt.',
  });
}
