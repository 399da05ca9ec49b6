/** What a verb of the `plumbline` binary is: one file in `verbs/`, one line in `verbs/index.ts`. */

import { Fault } from '../contract/fault.ts';
import type { Timestamp } from '../contract/time.ts';
import { parseTimestamp } from '../lib/time.ts';
import type { CliContext } from './context.ts';

/** 0: fine. 1: found something (drift, invalid). 2: could not do it. */
export type ExitCode = 0 | 1 | 2;

/** Flags as commander reads them: strings, true for a switch, and a list for one that may be repeated. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Verb {
  /** e.g. `at <prompt>`, in commander's notation. */
  readonly usage: string;
  readonly summary: string;
  /** Beside the global ones: `[flags, description, default]`. With `...` at the end it may be repeated. */
  readonly options: readonly (readonly [flags: string, description: string, fallback?: string])[];
  /** Command lines without the binary's name, shown below the help. */
  readonly examples: readonly string[];
  /** Throws a `Fault` when it can't; that is exit code 2. */
  run(positional: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode>;
}

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** Throws a `Fault` for what is no time. */
export function timeFlag(flags: Flags, name: string): Timestamp | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  const time = parseTimestamp(text);
  if (time !== null) return time;
  throw new Fault('config', `${text} is not a time.`, {
    hint: 'Write RFC 3339, such as 2026-11-20T02:47:00Z, with its zone.',
  });
}

/** Every value of a flag that may be repeated. */
export function listFlag(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
