/** `plumbline attribute`: which registered version is this text? */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../contract/fault.ts';
import { daemonOf } from '../context.ts';
import { colourDiff, styled, type Output } from '../output.ts';
import { type Flags, textFlag, timeFlag, type Verb } from '../verb.ts';

interface Match {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
  readonly literal_bytes: number;
  readonly gaps: number;
}

type Piece = { readonly literal: string } | { readonly variable: string; readonly value: string };

interface Answer {
  readonly kind: string;
  readonly words: string;
  readonly matches: readonly (Match & {
    readonly variables: readonly { readonly name: string; readonly value: string }[];
    readonly messages: readonly { readonly pieces: readonly Piece[] }[] | null;
    readonly settings_differences:
      | readonly { readonly setting: string; readonly registered: unknown; readonly observed: unknown }[]
      | null;
  })[];
  readonly tie: { readonly others: readonly Match[] } | null;
  readonly competing: readonly Match[];
  readonly near: readonly {
    readonly prompt: string;
    readonly version: string;
    readonly edited_bytes: number;
    readonly diff: string;
  }[];
}

const Messages = z.array(z.object({ role: z.string(), content: z.string() })).min(1);
const FOUND = new Set(['declared', 'exact', 'rendered']);
/** A variable's value may be a whole document, and so may what stands between two; the terminal shows both ends. */
const CHARACTERS_SHOWN = 100;

export const attribute: Verb = {
  usage: 'attribute <file>',
  summary:
    'Which registered version a text is an instance of. `-` reads standard input; a JSON array of {role, content} is a chat.',
  options: [
    ['--prompt <id>', 'what the application claims it is'],
    ['--prompt-version <version>', 'the version it claims'],
    ['--environment <name>', 'where it was sent: its pin decides between versions that fit equally well'],
    ['--service <name>', 'who sent it, for the same'],
    ['--time <rfc3339>', 'when it was sent, for the same'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['attribute seen.txt', 'attribute - < seen.txt'],
  run: async ([file = '-'], flags, context) => {
    const query = { ...queryOf(read(file, context.workingDirectory)), ...declared(flags), ...sent(flags) };
    const answer = await (await daemonOf(flags, context)).post<Answer>('/api/v1/attribute', query);
    if (flags['json'] === true) context.output.json(answer);
    else context.output.print(describe(answer, context.output));
    return FOUND.has(answer.kind) ? 0 : 1;
  },
};

function read(file: string, workingDirectory: string): string {
  try {
    return readFileSync(file === '-' ? 0 : resolve(workingDirectory, file), 'utf8');
  } catch (error) {
    throw new Fault('config', `${file} can't be read: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  }
}

function queryOf(text: string): { text: string } | { messages: z.infer<typeof Messages> } {
  if (text.trimStart().startsWith('[')) {
    try {
      const messages = Messages.safeParse(JSON.parse(text));
      if (messages.success) return { messages: messages.data };
    } catch {
      // A text may start with a bracket without being JSON.
    }
  }
  return { text };
}

function declared(flags: Flags): object {
  const prompt = textFlag(flags, 'prompt');
  return prompt === undefined ? {} : { declared: { prompt, version: textFlag(flags, 'promptVersion') } };
}

function sent(flags: Flags): object {
  const given = {
    environment: textFlag(flags, 'environment'),
    service: textFlag(flags, 'service'),
    at: timeFlag(flags, 'time'),
  };
  return Object.values(given).every((value) => value === undefined) ? {} : { sent: given };
}

function describe(answer: Answer, output: Output): string {
  const lines = [`${styled(output, FOUND.has(answer.kind) ? 'green' : 'yellow', answer.kind)}  ${answer.words}`];
  for (const match of answer.matches) {
    lines.push(`  ${matchLine(match, output)}`);
    if (match.messages === null) for (const variable of match.variables) lines.push(variableLine(variable, output));
    else for (const { pieces } of match.messages) lines.push(...pieces.map((piece) => pieceLine(piece, output)));
    for (const { setting, registered, observed } of match.settings_differences ?? [])
      lines.push(`    ${setting} is ${JSON.stringify(observed)} and not ${JSON.stringify(registered)}`);
  }
  if (answer.competing.length > 0) {
    const set = new Set(answer.tie?.others.map(({ prompt, version }) => `${prompt} ${version}`));
    lines.push('', styled(output, 'dim', 'compatible as well:'));
    for (const match of answer.competing) {
      const equally = set.has(`${match.prompt} ${match.version}`) ? ', equally well' : '';
      lines.push(`  ${matchLine(match, output)}${equally}`);
    }
  }
  for (const near of answer.near) {
    lines.push(
      '',
      `near ${styled(output, 'bold', `${near.prompt} ${near.version}`)}, ${near.edited_bytes} bytes edited`,
      colourDiff(output, near.diff.trimEnd()),
    );
  }
  return lines.join('\n');
}

function matchLine({ prompt, version, model, literal_bytes: bytes, gaps }: Match, output: Output): string {
  return `${styled(output, 'bold', `${prompt} ${version}`)}  ${model}  ${bytes} literal bytes, ${gaps} variables`;
}

function pieceLine(piece: Piece, output: Output): string {
  if ('variable' in piece) return variableLine({ name: piece.variable, value: piece.value }, output);
  return `    ${shown(piece.literal)}  ${styled(output, 'dim', `${Buffer.byteLength(piece.literal)} bytes`)}`;
}

function variableLine({ name, value }: { readonly name: string; readonly value: string }, output: Output): string {
  return `    ${styled(output, 'cyan', `${name} =`)} ${shown(value)}`;
}

function shown(text: string): string {
  if (text.length <= CHARACTERS_SHOWN) return JSON.stringify(text);
  const [start, end] = [text.slice(0, CHARACTERS_SHOWN - 20), text.slice(-20)];
  return `${JSON.stringify(start)} … ${JSON.stringify(end)} (${text.length} characters)`;
}
