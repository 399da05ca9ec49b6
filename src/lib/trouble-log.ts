/**
 * What goes wrong again and again is told when it begins, when its reason is another, and when it is over; not with
 * each attempt. A trouble that lasts is told once an hour, so that whoever looks into today's log finds it.
 */

/** What is needed of a logger; pino's fits. */
export interface TellLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Trouble {
  readonly level: 'warn' | 'error';
  readonly message: string;
  readonly reason: string;
  readonly fields?: object;
  /** Several may have the same trouble: it is over when the last of them is out of it. */
  readonly part?: string;
}

const AGAIN_MS = 3_600_000;
/** What comes and goes all the time is told once in so long. */
const QUIET_MS = 60_000;
/** Some reasons are never twice the same. */
const REASONS_MAX = 5;

interface Course {
  reason: string;
  times: number;
  readonly sinceMs: number;
  /** Of those that were told; numbers and ids in them do not count. */
  readonly told: Set<string>;
  toldAtMs: number;
  readonly quietUntilMs: number;
  readonly parts: Set<string>;
}

export class TroubleLog {
  readonly #log: TellLog;
  readonly #nowMs: () => number;
  readonly #going = new Map<string, Course>();
  /** When a trouble that is over was told last. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(log: TellLog, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Why it goes wrong at the moment; null when it does not. */
  reason(key: string): string | null {
    return this.#going.get(key)?.reason ?? null;
  }

  failed(key: string, { level, message, reason, fields, part = '' }: Trouble): void {
    const nowMs = this.#nowMs();
    const course = this.#going.get(key) ?? this.#begin(key, nowMs);
    course.reason = reason;
    course.times += 1;
    course.parts.add(part);
    const kind = reason.replaceAll(/[0-9a-f]{8,}|\d+/gi, '#');
    const isNews = course.told.size < REASONS_MAX && !course.told.has(kind);
    if (nowMs < course.quietUntilMs || (!isNews && nowMs - course.toldAtMs < AGAIN_MS)) return;
    course.told.add(kind);
    course.toldAtMs = nowMs;
    const times = course.times === 1 ? {} : { times: course.times };
    this.#log[level]({ ...fields, reason, ...times }, message);
  }

  /** Telling it of what went well all the time costs nothing. */
  over(key: string, message: string, fields: object = {}, part = ''): void {
    const course = this.#going.get(key);
    if (course === undefined || !course.parts.delete(part) || course.parts.size > 0) return;
    this.#going.delete(key);
    if (course.told.size === 0) return;
    const nowMs = this.#nowMs();
    this.#toldAtMs.set(key, nowMs);
    this.#log.info({ ...fields, times: course.times, lastedMs: Math.round(nowMs - course.sinceMs) }, message);
  }

  #begin(key: string, nowMs: number): Course {
    const quietUntilMs = (this.#toldAtMs.get(key) ?? -Infinity) + QUIET_MS;
    const course: Course = {
      reason: '',
      times: 0,
      sinceMs: nowMs,
      told: new Set(),
      toldAtMs: -Infinity,
      quietUntilMs,
      parts: new Set(),
    };
    this.#going.set(key, course);
    return course;
  }
}
