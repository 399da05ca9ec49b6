/**
 * Finds out which incidents of traffic are about calls that nobody makes any more: the service ended, or calls something
 * else. Silence is no evidence that it is right, so they are not resolved as that.
 */

import type { Incident } from '../../contract/incident.ts';
import type { Timestamp } from '../../contract/time.ts';
import type { TrafficLog, TrafficPlace } from '../../contract/traffic-log.ts';
import { CALLED_WITHIN_MS, calledNoMoreBy } from '../../drift/still-called.ts';
import { serviceOfTraffic } from '../../drift/traffic-target.ts';
import type { LastCallOf } from '../../incidents/incident-desk.ts';
import { addMillis } from '../../lib/time.ts';

export interface EndedTrafficOptions {
  readonly traffic: Pick<TrafficLog, 'newestCall' | 'lastCalls'>;
  /** Closes incidents about what is not called any more. */
  readonly retireUncalled: (lastCallOf: LastCallOf) => Promise<void>;
}

interface Candidate {
  readonly id: string;
  readonly place: TrafficPlace;
  readonly openedAt: Timestamp;
}

/** An incident opens at most so long after the first call that it is about: what the watch of traffic looks at. */
const OPENED_AFTER_MS = 30 * 60_000;
/** Where nothing is called at all. */
const ASK_AGAIN_MS = 3_600_000;

export class EndedTraffic {
  readonly #options: EndedTrafficOptions;
  /** By incident: before that, a call that is known is not old enough. Days of calls take the store long to go through. */
  #dueAt: ReadonlyMap<string, Timestamp> = new Map();

  constructor(options: EndedTrafficOptions) {
    this.#options = options;
  }

  async look(unresolved: readonly Incident[], now: Timestamp): Promise<void> {
    const candidates = unresolved.flatMap(candidateOf);
    const dueAt = new Map(
      candidates.map(({ id, openedAt }) => [id, this.#dueAt.get(id) ?? addMillis(openedAt, CALLED_WITHIN_MS)]),
    );
    this.#dueAt = dueAt;
    const due = candidates.filter(({ id }) => (dueAt.get(id) as Timestamp) <= now);
    if (due.length === 0) return;
    const { traffic, retireUncalled } = this.#options;
    const newest = await traffic.newestCall(addMillis(now, -CALLED_WITHIN_MS), now);
    if (newest === null) {
      for (const { id } of due) dueAt.set(id, addMillis(now, ASK_AGAIN_MS));
      return;
    }
    const calls = await this.#lastCalls(due, calledNoMoreBy(newest), now);
    const ended = due.filter(({ id }) => calls.get(id) === null);
    for (const [id, last] of calls) if (last !== null) dueAt.set(id, addMillis(last, CALLED_WITHIN_MS));
    if (ended.length === 0) return;
    const [first] = ended.map(({ openedAt }) => openedAt).toSorted();
    const known = await this.#lastCalls(ended, addMillis(first as Timestamp, -OPENED_AFTER_MS), now);
    const endedIds = new Set(ended.map(({ id }) => id));
    await retireUncalled(({ id }) => {
      const last = known.get(id) ?? null;
      return endedIds.has(id) ? [last, last] : undefined;
    });
  }

  async #lastCalls(
    of: readonly Candidate[],
    since: Timestamp,
    until: Timestamp,
  ): Promise<ReadonlyMap<string, Timestamp | null>> {
    const places = of.map(({ place }) => place);
    const calls = await this.#options.traffic.lastCalls(places, since, until);
    return new Map(of.map(({ id }, index) => [id, calls[index] ?? null]));
  }
}

function candidateOf({ id, target, prompt, environment, verdict, openedAt }: Incident): readonly Candidate[] {
  const service = serviceOfTraffic(target, prompt);
  if (service === null) return [];
  // What was edited, or was never registered, is often stored as a call of no prompt.
  const mayBeOfNone = verdict === 'edited' || verdict === 'unregistered';
  return [{ id, openedAt, place: { environment, service, prompt, mayBeOfNone } }];
}
