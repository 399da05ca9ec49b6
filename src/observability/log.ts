/**
 * The daemon's log: JSON lines for machines, short lines for a terminal. Never prints a secret, nor what would steer
 * the terminal: what places and senders say is in it.
 */

import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { redactor } from '../lib/redact.ts';
import { forTerminal, jsonForTerminal } from '../text/invisible.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** Lines for people instead of JSON. */
  readonly forPeople: boolean;
  readonly colour: boolean;
  readonly secrets: readonly string[];
}

/** Writes to standard error, so that standard output holds only what was asked for. */
export function createLog(options: LogOptions): Log {
  const redact = redactor(options.secrets);
  const write = (line: string): void => {
    process.stderr.write(redact(line));
  };
  if (!options.forPeople)
    return pino({ level: options.level, base: null }, { write: (line) => write(jsonForTerminal(line)) });
  const format = pretty.prettyFactory({
    colorize: options.colour,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  return pino({ level: options.level, base: null }, { write: (line) => write(oneEntry(format(line))) });
}

/** What follows a line feed in a message can't look like an entry of its own. */
function oneEntry(formatted: string): string {
  return `${forTerminal(formatted).trimEnd().replaceAll('\n', '\n    ')}\n`;
}
