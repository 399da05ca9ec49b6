/**
 * The incident and delivery logs in memory, with the promises of `src/contract/store.ts`: appended
 * revisions, the highest is the truth. `failNext` makes the next writes fail, as a store that is away.
 */

import { Fault } from '../../src/contract/fault.ts';
import type { Incident, IncidentTransition } from '../../src/contract/incident.ts';
import type { Delivery, DeliveryLog, IncidentFilter, IncidentLog, Page, PageOf } from '../../src/contract/store.ts';
import type { Timestamp } from '../../src/contract/time.ts';

class Failing {
  failNext = 0;

  protected write(): void {
    if (this.failNext === 0) return;
    this.failNext -= 1;
    throw new Fault('transient', 'The store is away.');
  }
}

export interface IncidentRevision {
  readonly incident: Incident;
  readonly transition: IncidentTransition | 'updated';
  readonly by: string;
}

export class MemoryIncidentLog extends Failing implements IncidentLog {
  readonly revisions: IncidentRevision[] = [];
  /** Reads of a fingerprint, to show that good verdicts cost none. */
  lookups = 0;

  async append(incident: Incident, transition: IncidentTransition | 'updated', by: string): Promise<void> {
    this.write();
    this.revisions.push({ incident: structuredClone(incident), transition, by });
  }

  async get(id: string): Promise<Incident | null> {
    return this.#newest().get(id) ?? null;
  }

  async atRevision(id: string, revision: number): Promise<Incident | null> {
    return (
      this.revisions.findLast(({ incident }) => incident.id === id && incident.revision === revision)?.incident ?? null
    );
  }

  async newestWithFingerprint(fingerprint: string): Promise<Incident | null> {
    this.lookups += 1;
    const same = [...this.#newest().values()].filter((incident) => incident.fingerprint === fingerprint);
    return same.toSorted((a, b) => (a.openedAt < b.openedAt ? 1 : -1))[0] ?? null;
  }

  async list(filter: IncidentFilter, page: Page): Promise<PageOf<Incident>> {
    const all = [...this.#newest().values()].filter(
      (incident) => filter.status !== 'unresolved' || incident.status !== 'resolved',
    );
    const from = Number(page.cursor ?? 0);
    const items = all.slice(from, from + page.limit);
    return { items, nextCursor: from + page.limit < all.length ? String(from + page.limit) : null };
  }

  async endedSince(since: Timestamp, limit: number): Promise<readonly string[]> {
    const ended = this.revisions.filter(
      ({ incident, transition }) =>
        transition === 'resolved' &&
        incident.updatedAt >= since &&
        this.#newest().get(incident.id)?.revision === incident.revision,
    );
    return ended.slice(-limit).map(({ incident }) => incident.id);
  }

  transitions(): readonly string[] {
    return this.revisions.map((revision) => revision.transition);
  }

  #newest(): ReadonlyMap<string, Incident> {
    const newest = new Map<string, Incident>();
    for (const { incident } of this.revisions) {
      if ((newest.get(incident.id)?.revision ?? 0) <= incident.revision) newest.set(incident.id, incident);
    }
    return newest;
  }
}

export class MemoryDeliveryLog extends Failing implements DeliveryLog {
  readonly rows: Delivery[] = [];

  async append(deliveries: readonly Delivery[]): Promise<void> {
    this.write();
    this.rows.push(...structuredClone(deliveries));
  }

  async get(id: string): Promise<Delivery | null> {
    return this.rows.findLast((row) => row.id === id) ?? null;
  }

  async pending(limit: number): Promise<readonly Delivery[]> {
    return this.#newest()
      .filter((row) => row.status === 'pending')
      .slice(0, limit);
  }

  async list(incidentId: string): Promise<readonly Delivery[]> {
    return this.#newest().filter((row) => row.incidentId === incidentId);
  }

  async told(): Promise<readonly Incident[]> {
    throw new Error('Incidents are kept elsewhere.');
  }

  statuses(): readonly string[] {
    return this.#newest().map((row) => `${row.transition} ${row.channel} ${row.status}`);
  }

  #newest(): readonly Delivery[] {
    const newest = new Map<string, Delivery>();
    for (const row of this.rows) newest.set(row.id, row);
    return [...newest.values()];
  }
}
