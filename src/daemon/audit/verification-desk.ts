/** Verifies the audit chain for whoever asks, one at a time, and says how far it is. */

import { randomUUID } from 'node:crypto';
import type { AuditLog, AuditQuestion } from '../../contract/audit.ts';
import { describeError, Fault } from '../../contract/fault.ts';
import type { VerificationState } from '../../http/api.ts';

/** Answers that are kept for whoever asked. */
const KEPT_MAX = 20;
const BUSY_RETRY_MS = 10_000;

export class VerificationDesk {
  readonly #audit: Pick<AuditLog, 'verify'>;
  readonly #states = new Map<string, VerificationState>();
  #running: { readonly id: string; readonly asked: string } | null = null;

  constructor(audit: Pick<AuditLog, 'verify'>) {
    this.#audit = audit;
  }

  begin(question: AuditQuestion): VerificationState {
    const asked = JSON.stringify([question.noted.toSorted(), question.from]);
    if (this.#running !== null) {
      const state = this.#states.get(this.#running.id);
      if (this.#running.asked === asked && state !== undefined) return state;
      throw new Fault('overloaded', 'The audit chain is being verified for somebody else, who asked something else.', {
        retryAfterMs: BUSY_RETRY_MS,
        hint: 'Ask again when that is done.',
      });
    }
    const id = randomUUID();
    const state: VerificationState = {
      id,
      status: 'running',
      progress: { step: 'entries', done: 0, total: 0 },
      verification: null,
      error: null,
    };
    this.#running = { id, asked };
    this.#keep(state);
    void this.#verify(state, question);
    return state;
  }

  state(id: string): VerificationState | null {
    return this.#states.get(id) ?? null;
  }

  async #verify(state: VerificationState, question: AuditQuestion): Promise<void> {
    let { progress } = state;
    try {
      const verification = await this.#audit.verify(question, (now) => {
        progress = now;
        this.#keep({ ...state, progress });
      });
      this.#keep({ ...state, status: 'done', progress, verification });
    } catch (error) {
      this.#keep({ ...state, status: 'failed', progress, error: describeError(error) });
    } finally {
      this.#running = null;
    }
  }

  #keep(state: VerificationState): void {
    this.#states.set(state.id, state);
    const [oldest] = this.#states.keys();
    if (oldest !== undefined && this.#states.size > KEPT_MAX) this.#states.delete(oldest);
  }
}
