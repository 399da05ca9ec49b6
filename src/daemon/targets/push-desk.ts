/**
 * Takes pushes of watched places: few enough at a time, signed, never twice. What a refused push
 * would have told is seen by the next poll.
 */

import { Fault, isFault } from '../../contract/fault.ts';
import type { Clock } from '../../contract/time.ts';
import type { RawRequest } from '../../http/route.ts';
import { notFound, problem, ProblemError } from '../../http/problem.ts';
import { counter } from '../../lib/instruments.ts';
import type { PollingHost } from '../../polling/host.ts';

export interface PushDeskOptions {
  readonly polling: Pick<PollingHost, 'statuses' | 'takesPushes' | 'receiveWebhook'>;
  readonly clock: Clock;
}

/** Somebody who publishes fifty prompts at once sends fifty pushes; nobody edits ten prompts a second for long. */
const BURST = 60;
const PER_SECOND = 10;

/** Pushes that may still come, of one source. */
interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

const countPushes = counter({
  name: 'plumbline.pushes',
  description: 'Pushes of watched places by source and what became of them.',
});

export class PushDesk {
  readonly #options: PushDeskOptions;
  /** By source; as many as are configured. */
  readonly #allowances = new Map<string, Allowance>();

  constructor(options: PushDeskOptions) {
    this.#options = options;
  }

  /** The targets that are looked at now. Throws a `ProblemError` or a `Fault` for what is not taken. */
  async take(source: string, push: RawRequest): Promise<readonly string[]> {
    const { polling, clock } = this.#options;
    if (!polling.statuses().some(({ name }) => name === source))
      throw notFound(`The source ${source}`, 'A push goes to the name that the source has in plumbline.yaml.');
    if (!polling.takesPushes(source)) {
      this.#note(source, 'not_configured');
      throw new ProblemError(
        problem(409, 'Refused', `The source ${source} takes no pushes: it has no signing secret to check them with.`, {
          hint: 'Set the secret of its webhook in plumbline.yaml (docs/sources.md says where one exists), and restart.',
        }),
      );
    }
    if (!this.#isAllowed(source)) {
      this.#note(source, 'too_many');
      throw new Fault('overloaded', `Too many pushes about ${source}.`, {
        hint: 'Polling goes on and sees the same.',
        retryAfterMs: 1_000,
      });
    }
    try {
      const targets = await polling.receiveWebhook(source, { ...push, receivedAt: clock.now() });
      this.#note(source, 'taken');
      return targets;
    } catch (error) {
      this.#note(source, 'refused');
      if (!isFault(error) || error.kind !== 'permanent') throw error;
      const hint = error.hint ?? 'It was not taken. Polling goes on.';
      throw new ProblemError(problem(403, 'Forbidden', error.message, { hint }));
    }
  }

  #isAllowed(source: string): boolean {
    const atMs = this.#options.clock.monotonicMs();
    const before = this.#allowances.get(source) ?? { left: BURST, atMs };
    const left = Math.min(BURST, before.left + ((atMs - before.atMs) / 1_000) * PER_SECOND);
    const isAllowed = left >= 1;
    this.#allowances.set(source, { left: isAllowed ? left - 1 : left, atMs });
    return isAllowed;
  }

  #note(source: string, outcome: 'taken' | 'refused' | 'too_many' | 'not_configured'): void {
    countPushes(1, { source, outcome });
  }
}
