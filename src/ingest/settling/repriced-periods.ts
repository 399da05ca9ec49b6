/**
 * Periods whose calls were priced anew on demand. What an earlier process said that they cost no longer stands, also
 * where it was read back before, or is being read while the store is restated: it would be written again. Replicas
 * tell each other before they begin.
 */

import type { Period } from '../../contract/telemetry-log.ts';
import type { Timestamp } from '../../contract/time.ts';

export class RepricedPeriods {
  /** None touches another, so that they are as few as was asked for. */
  #periods: readonly Period[] = [];

  add({ from, to }: Period): void {
    let joined: Period = { from, to };
    const apart: Period[] = [];
    for (const period of this.#periods) {
      if (period.to < joined.from || period.from > joined.to) apart.push(period);
      else {
        joined = {
          from: period.from < joined.from ? period.from : joined.from,
          to: period.to > joined.to ? period.to : joined.to,
        };
      }
    }
    this.#periods = [...apart, joined];
  }

  hasAllOf({ from, to }: Period): boolean {
    return this.#periods.some((period) => period.from <= from && to <= period.to);
  }

  has(time: Timestamp): boolean {
    return this.#periods.some(({ from, to }) => from <= time && time < to);
  }
}
