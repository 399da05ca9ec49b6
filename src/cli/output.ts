/**
 * Where verbs write: answers to standard output, everything else to standard error. Names and texts come from
 * everywhere; none of them may steer the terminal.
 */

import stringWidth from 'fast-string-width';
import { forTerminal, jsonForTerminal } from '../text/invisible.ts';

export interface Output {
  /** Part of the answer. */
  readonly print: (text: string) => void;
  /** The answer to a program. */
  readonly json: (answer: unknown) => void;
  /** One of many answers to a program, on a line of its own. */
  readonly line: (answer: unknown) => void;
  /** An answer in a format of its own, as it is: for a file, or another program. */
  readonly bytes: (answer: Uint8Array) => void;
  /** False once standard output takes nothing more, as when `head` has seen enough: who prints page after page stops. */
  readonly takesMore: () => boolean;
  /** Progress, hints, errors. */
  readonly note: (text: string) => void;
  readonly colour: boolean;
  /** Whether answers go to a person's screen. */
  readonly isTerminal: boolean;
}

export function processOutput(colour: boolean): Output {
  let takesMore = true;
  process.stdout.on('error', () => (takesMore = false));
  return {
    print: (text) => {
      process.stdout.write(`${forTerminal(text)}\n`);
    },
    json: (answer) => {
      process.stdout.write(`${jsonForTerminal(JSON.stringify(answer, null, 2))}\n`);
    },
    line: (answer) => {
      process.stdout.write(`${jsonForTerminal(JSON.stringify(answer))}\n`);
    },
    bytes: (answer) => {
      process.stdout.write(answer);
    },
    takesMore: () => takesMore,
    note: (text) => {
      process.stderr.write(`${forTerminal(text)}\n`);
    },
    colour,
    isTerminal: process.stdout.isTTY,
  };
}

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Style = keyof typeof STYLES;

export function styled(output: Pick<Output, 'colour'>, style: Style, text: string): string {
  if (!output.colour) return text;
  const [on, off] = STYLES[style];
  return `\u001B[${on}m${text}\u001B[${off}m`;
}

/** A unified diff with red and green lines. */
export function colourDiff(output: Pick<Output, 'colour'>, diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      if (line.startsWith('+')) return styled(output, 'green', line);
      if (line.startsWith('-')) return styled(output, 'red', line);
      return line.startsWith('@@') ? styled(output, 'cyan', line) : line;
    })
    .join('\n');
}

/** Columns as wide as their widest cell is on a terminal. The last column is not padded. A cell is one line. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) =>
    row.map((cell) => {
      const text = forTerminal(cell.replace(/[\r\n\t]+/g, ' '));
      return { text, width: stringWidth(text) };
    }),
  );
  const widths: number[] = [];
  for (const row of rows) row.forEach(({ width }, index) => (widths[index] = Math.max(widths[index] ?? 0, width)));
  return rows
    .map((row) =>
      row
        .map(({ text, width }, index) =>
          index === row.length - 1 ? text : text + ' '.repeat((widths[index] ?? 0) - width),
        )
        .join('  '),
    )
    .join('\n');
}
