/**
 * A judgement of a call that comes without telemetry: of the application, of a person, of an evaluation that ran
 * elsewhere. Whoever takes it treats it as the record that telemetry would have for it.
 */

import type { Acknowledgement } from './telemetry.ts';
import type { Timestamp } from './time.ts';

export interface Feedback {
  /** Lower-case hex. Empty where only the response id is known. */
  readonly traceId: string;
  /** Empty: the last call of the trace that had begun by then. */
  readonly spanId: string;
  /** The provider's id of its response; null when it is not known. */
  readonly responseId: string | null;
  readonly name: string;
  /** There is a score or a label, unless it is withdrawn. */
  readonly score: number | null;
  readonly label: string | null;
  readonly explanation: string | null;
  /** When it was judged; null: when it came. */
  readonly at: Timestamp | null;
  /** See `Evaluation`. */
  readonly by: string | null;
  readonly id: string | null;
  /** What was said under the same name by the same judge, or with the same id, no longer holds. */
  readonly withdrawn: boolean;
  /** Of the call, for the content policy; null: not known, and the strictest policy holds. */
  readonly environment: string | null;
}

/** As telemetry is accepted: all of it is on disk, or none. */
export type AcceptFeedback = (feedback: readonly Feedback[]) => Promise<Acknowledgement>;
