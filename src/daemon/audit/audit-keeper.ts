/**
 * Looks after the audit chain of this daemon: says with what configuration it runs, makes up for entries that are
 * missing, and tells the head, so that it is also noted where nobody who can edit the store can edit it.
 */

import type { Configuration } from '../../config/configuration.ts';
import type { AuditLog } from '../../contract/audit.ts';
import type { Component } from '../../contract/component.ts';
import { describeError } from '../../contract/fault.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import { settlesWithin, sleep } from '../../lib/limits.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import { TroubleLog, type TellLog } from '../../lib/trouble-log.ts';
import { enterDoubtfulBatches, enterLateBatches, enterLateRows } from '../../store/audit/late-entries.ts';
import type { AuditTrail } from '../../store/audit/trail.ts';
import type { Database } from '../../store/database.ts';
import { configurationFields } from './configuration-fields.ts';

export interface AuditKeeperOptions {
  readonly database: Database;
  readonly trail: AuditTrail;
  readonly audit: Pick<AuditLog, 'list'>;
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly log: TellLog;
}

/** What others were writing when this process began is written by then. */
const FIRST_AFTER_MS = 10_000;
const EVERY_MS = 60_000;
/** A store that is there again is found so soon: until then it is told as a problem. */
const AGAIN_AFTER_MS = 5_000;
/** What a server was doing when nobody heard of it any more is done by then. */
const DOUBTFUL_AFTER_MS = 120_000;
const TOLD_EVERY_MS = DAY_MS;
/** Of several daemons on one store, each has one such entry a start. */
const CONFIGURATIONS_LOOKED_AT = 200;
const FAILED = 'failed';

export class AuditKeeper implements Component {
  readonly name = 'audit';
  readonly #options: AuditKeeperOptions;
  readonly #troubles: TroubleLog;
  readonly #begun: Timestamp;
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;
  /** What an earlier process left without an entry is still to be looked for. */
  #isNew = true;

  constructor(options: AuditKeeperOptions) {
    this.#options = options;
    this.#troubles = new TroubleLog(options.log);
    this.#begun = options.clock.now();
  }

  get problem(): string | null {
    const reason = this.#troubles.reason(FAILED);
    return reason === null ? null : `What is recorded gets no entry in the audit chain for now: ${reason}`;
  }

  async start(): Promise<void> {
    const { trail, audit, configuration, database } = this.#options;
    const { items } = await audit.list({ kind: 'configuration' }, { limit: CONFIGURATIONS_LOOKED_AT });
    const before = items.find(({ writer }) => writer === trail.writer)?.content ?? null;
    trail.configured(configurationFields(configuration, database.release, before));
    this.#running ??= this.#run();
  }

  /** The last entry says that all that this process recorded has its entry. */
  async stop(deadlineMs: number): Promise<void> {
    this.#abort.abort(new Error('The daemon stops.'));
    await settlesWithin(this.#running ?? Promise.resolve(), deadlineMs / 2);
    await this.#options.trail.stop(deadlineMs / 2);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { clock } = this.#options;
    let toldMs = Number.NEGATIVE_INFINITY;
    await sleep(FIRST_AFTER_MS, signal).catch(() => {});
    while (!signal.aborted) {
      await this.#makeUp();
      if (clock.monotonicMs() - toldMs >= TOLD_EVERY_MS && this.#tellHead()) toldMs = clock.monotonicMs();
      await sleep(this.problem === null ? EVERY_MS : AGAIN_AFTER_MS, signal).catch(() => {});
    }
  }

  async #makeUp(): Promise<void> {
    const { database, trail, clock, log } = this.#options;
    const { signal } = this.#abort;
    const { batches, rows } = trail.takeLeftOut(DOUBTFUL_AFTER_MS);
    try {
      await trail.flush();
      if (trail.problem !== null) throw trail.problem;
      let made = await enterDoubtfulBatches(database, trail, batches, this.#begun);
      if (this.#isNew) {
        const entered = trail.isFirst ? 'earlier' : 'late';
        made += await enterLateRows(database, trail, { until: this.#begun, entered, signal });
        made += await enterLateBatches(database, trail, trail.before?.at ?? null, this.#begun);
      } else if (rows) {
        made += await enterLateRows(database, trail, {
          until: addMillis(clock.now(), -EVERY_MS),
          entered: 'late',
          signal,
        });
      }
      this.#isNew = false;
      if (made > 0) log.info({ entries: made }, 'what was recorded without an entry in the audit chain has one now');
      this.#troubles.over(FAILED, 'what is recorded gets its entry in the audit chain again');
    } catch (error) {
      trail.leaveOut(batches, rows);
      if (signal.aborted) return;
      const message = 'the audit chain could not be written; what has no entry gets one later';
      this.#troubles.failed(FAILED, { level: 'warn', message, reason: describeError(error) });
    }
  }

  /** False while nothing is written yet. */
  #tellHead(): boolean {
    const { trail, log } = this.#options;
    if (trail.head?.segment !== trail.segment) return false;
    const { segment, sequence, hash } = trail.head;
    log.info({ segment, sequence, hash }, 'the head of the audit chain');
    return true;
  }
}
