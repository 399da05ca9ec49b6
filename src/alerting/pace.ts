/**
 * When an alert may go out through a channel whose receiver asked for patience. Slack takes one message a second: of
 * two hundred alerts at once each would be refused again and again. Knows neither timers nor channels.
 */

/** Between two messages that wait for a receiver; no more often than it asked for. Slack's second, and a little. */
const GAP_MS_MAX = 1_200;

interface Turn {
  readonly atMs: number;
  /** What the receiver had refused when it was given. */
  readonly refusals: number;
}

export class Pace {
  /** Monotonic, as all times here. Nothing goes out before. */
  #pausedUntilMs = 0;
  /** The first turn that nobody has. */
  #freeFromMs = 0;
  #gapMs = GAP_MS_MAX;
  #refusals = 0;
  readonly #turns = new Map<string, Turn>();
  /** The last turn that was given, and how many alerts have it. */
  #lastTurn = { atMs: Number.NEGATIVE_INFINITY, alerts: 0 };
  readonly #messageMax: number;

  /** `messageMax`: alerts that go out together in one message have one turn. */
  constructor(messageMax: number) {
    this.#messageMax = messageMax;
  }

  /** The receiver takes nothing for so long. */
  refused(nowMs: number, waitMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + waitMs);
    this.#gapMs = Math.min(waitMs, GAP_MS_MAX);
    this.#refusals += 1;
  }

  /**
   * How long this alert waits for its turn: 0 when it may go out. Null: it was given one, and `isTurn` says that this is
   * not it.
   */
  waitMs(alert: string, isTurn: boolean, nowMs: number): number | null {
    const turn = this.#turns.get(alert);
    if (turn !== undefined && !isTurn && turn.atMs > nowMs) return null;
    this.#turns.delete(alert);
    // Whatever the clock says: who gave the turn has waited for it.
    if (turn?.refusals === this.#refusals) return 0;
    const isNext = turn !== undefined || this.#freeFromMs <= nowMs;
    if (isNext && this.#pausedUntilMs <= nowMs) return 0;
    const atMs = this.#nextTurnMs(Math.max(nowMs, this.#pausedUntilMs));
    this.#turns.set(alert, { atMs, refusals: this.#refusals });
    return atMs - nowMs;
  }

  #nextTurnMs(earliestMs: number): number {
    const { atMs, alerts } = this.#lastTurn;
    if (atMs >= earliestMs && alerts < this.#messageMax) {
      this.#lastTurn.alerts += 1;
      return atMs;
    }
    const nextMs = Math.max(earliestMs, this.#freeFromMs);
    this.#freeFromMs = nextMs + this.#gapMs;
    this.#lastTurn = { atMs: nextMs, alerts: 1 };
    return nextMs;
  }

  /** It came to an end, whichever. */
  settled(alert: string): void {
    this.#turns.delete(alert);
  }
}
