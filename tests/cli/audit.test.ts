/** What `plumbline audit` says to a line that can't be carried out, before it asks anybody. */

import { expect, test } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { VERBS } from '../../src/cli/verbs/index.ts';

test.each([
  [['shred'], 'shred is nothing that can be done with the audit chain.'],
  [['verify', '--head', 'sha256:12'], 'sha256:12 is no head of a chain.'],
  [['verify', '--file', '/nowhere/report.jsonl'], "/nowhere/report.jsonl can't be read"],
  [['verify', '--file', import.meta.filename], 'is not a report of the audit chain.'],
  [['verify', '--file', '/dev/null'], 'is not a report of the audit chain.'],
  [['export', '--from', 'monday'], 'monday is not a time.'],
])('%j', async (line, words) => {
  const notes: string[] = [];
  const note = (text: string): number => notes.push(text);
  const context = { output: { note, colour: false }, command: 'plumbline', version: '1.0.0' } as unknown as CliContext;
  expect(await runCommandLine(VERBS, ['audit', ...line], context)).toBe(2);
  expect(notes.join('\n')).toContain(words);
});
