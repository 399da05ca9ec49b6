/** `plumbline attribute`: which registered version is this text? */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../contract/fault.ts';
import { daemonOf } from '../context.ts';
import { colourDiff, styled, type Output } from '../output.ts';
import { textFlag, type Flags, type Verb } from '../verb.ts';

interface Answer {
  readonly kind: string;
  readonly words: string;
  readonly matches: readonly {
    readonly prompt: string;
    readonly version: string;
    readonly model: string;
    readonly literal_bytes: number;
    readonly gaps: number;
    readonly variables: readonly { readonly name: string; readonly value: string }[];
  }[];
  readonly near: readonly {
    readonly prompt: string;
    readonly version: string;
    readonly edited_bytes: number;
    readonly diff: string;
  }[];
}

const Messages = z.array(z.object({ role: z.string(), content: z.string() })).min(1);
const FOUND = new Set(['declared', 'exact', 'rendered']);
/** A variable's value may be a whole document; the terminal shows its beginning. */
const VALUE_CHARACTERS_SHOWN = 100;

export const attribute: Verb = {
  usage: 'attribute <file>',
  summary:
    'Which registered version a text is an instance of. `-` reads standard input; a JSON array of {role, content} is a chat.',
  options: [
    ['--prompt <id>', 'what the application claims it is'],
    ['--prompt-version <version>', 'the version it claims'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['attribute seen.txt', 'pbpaste | plumbline attribute -'],
  run: async ([file = '-'], flags, context) => {
    const query = { ...queryOf(read(file, context.workingDirectory)), ...declared(flags) };
    const answer = await daemonOf(flags, context).post<Answer>('/api/v1/attribute', query);
    context.output.print(flags['json'] === true ? JSON.stringify(answer, null, 2) : describe(answer, context.output));
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

function describe(answer: Answer, output: Output): string {
  const lines = [`${styled(output, FOUND.has(answer.kind) ? 'green' : 'yellow', answer.kind)}  ${answer.words}`];
  for (const match of answer.matches) {
    lines.push(
      `  ${styled(output, 'bold', `${match.prompt} ${match.version}`)}  ${match.model}  ${match.literal_bytes} literal bytes, ${match.gaps} variables`,
    );
    for (const { name, value } of match.variables) {
      const shown =
        value.length > VALUE_CHARACTERS_SHOWN
          ? `${value.slice(0, VALUE_CHARACTERS_SHOWN)}… (${value.length} characters)`
          : value;
      lines.push(`    ${styled(output, 'dim', `${name} =`)} ${JSON.stringify(shown)}`);
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
