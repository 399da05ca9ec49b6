/** `plumbline at`: which exact prompt was active at a moment, and how we know. */

import { Fault } from '../../contract/fault.ts';
import type { TimeInterval } from '../../contract/time.ts';
import { parseTimestamp } from '../../lib/time.ts';
import type { DaemonClient } from '../client.ts';
import { daemonOf, needConfiguration, type CliContext } from '../context.ts';
import { styled, type Output } from '../output.ts';
import { slipIn } from '../slip.ts';
import { type Flags, textFlag, timeFlag, type Verb } from '../verb.ts';
import { activeAtShape } from '../../http/shapes.ts';

interface Entry {
  readonly version: string | null;
  readonly hash: string | null;
  readonly text: string | null;
  readonly from: TimeInterval;
  readonly until: TimeInterval;
  readonly evidence: readonly { readonly kind: string; readonly words: string }[];
}
interface Answer {
  readonly prompt: string;
  readonly environment: string;
  readonly time: string;
  readonly known_at: string;
  readonly intended: Entry | null;
  readonly held: readonly (Entry & { readonly target: string; readonly part: string; readonly state: string })[];
  readonly used: readonly (Entry & { readonly service: string; readonly invocations: number })[];
  /** Calls of before, and so of `time`, are no longer kept. Null: they are. */
  readonly calls_kept_since: string | null;
  /** Where `held` goes on. */
  readonly next_cursor: string | null;
}

export const at: Verb = {
  usage: 'at <prompt>',
  summary: 'Which version was intended, held and used at a time, with the evidence.',
  options: [
    ['--environment <name>', 'environment', 'production'],
    ['--time <rfc3339>', 'the moment (default: now)'],
    ['--target <target>', 'only this target'],
    ['--known-at <rfc3339>', 'answer with what was known by then'],
    ['--text', 'print the texts too'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: ['at support.intent-classifier --environment production --time 2026-11-20T02:47:00Z'],
  run: async (positional, flags, context) => {
    const prompt = positional[0] ?? '';
    const { answer, client } = await askWhole(prompt, flags, context);
    if (flags['json'] === true) context.output.json(answer);
    else context.output.print(describe(answer, flags['text'] === true, context.output));
    // Whatever was pinned, seen or used has its name from somewhere.
    if (answer.intended !== null || answer.held.length > 0 || answer.used.length > 0) return 0;
    const slip = client === null ? null : await slipIn(client, answer.prompt, answer.environment);
    if (slip !== null) context.output.note(`\n${slip}`);
    return 1;
  },
};

/** Targets, when the store is asked without a daemon. */
const HELD_AT_ONCE = 1_000;

/** Asks the running daemon; when none runs, opens the store. */
async function askWhole(
  prompt: string,
  flags: Flags,
  context: CliContext,
): Promise<{ readonly answer: Answer; readonly client: DaemonClient | null }> {
  const environment = textFlag(flags, 'environment') ?? 'production';
  const time = timeFlag(flags, 'time');
  const knownAt = timeFlag(flags, 'knownAt');
  const target = textFlag(flags, 'target');
  const client = await daemonOf(flags, context);
  if (textFlag(flags, 'url') !== undefined || (await client.isRunning())) {
    const moment = time ?? parseTimestamp(new Date().toISOString()) ?? undefined;
    const answer = await whole((cursor) =>
      client.get<Answer>('/api/v1/at', { prompt, environment, time: moment, target, known_at: knownAt, cursor }),
    );
    return { answer, client };
  }
  const configuration = await needConfiguration(flags, context);
  const now = parseTimestamp(new Date().toISOString());
  if (now === null) throw new Fault('config', 'The clock of this machine is before 1970.', { hint: 'Set it.' });
  const query = { prompt, environment, time: time ?? now, target, knownAt };
  const answer = await whole(async (cursor) => {
    const page = { limit: HELD_AT_ONCE, cursor };
    return activeAtShape(await context.toolbox.at(configuration, { ...query, page })) as Answer;
  });
  return { answer, client: null };
}

/** With what all targets held, however many pages that takes. */
async function whole(ask: (cursor: string | undefined) => Promise<Answer>): Promise<Answer> {
  const answer = await ask(undefined);
  const held = [...answer.held];
  for (let next = answer.next_cursor; next !== null;) {
    const page = await ask(next);
    held.push(...page.held);
    next = page.next_cursor;
  }
  return { ...answer, held, next_cursor: null };
}

function describe(answer: Answer, withText: boolean, output: Output): string {
  const { prompt, environment, time, known_at: knownAt } = answer;
  const lines = [`${styled(output, 'bold', `${prompt} in ${environment} at ${time}`)}, known at ${knownAt}`];
  const add = (title: string, entry: Entry): void => {
    const unnamed = entry.hash === null ? 'no content is known' : 'unregistered content';
    const version = 'state' in entry && entry.state === 'missing' ? 'nothing' : (entry.version ?? unnamed);
    lines.push(
      '',
      `${styled(output, 'cyan', title)}  ${styled(output, 'bold', version)}  ${entry.hash?.slice(0, 19) ?? ''}`,
    );
    lines.push(`  from   ${interval(entry.from, 'unknown')}`, `  until  ${interval(entry.until, 'still so')}`);
    for (const evidence of entry.evidence)
      lines.push(`  ${styled(output, 'dim', `${evidence.kind}:`)} ${evidence.words}`);
    if (withText && entry.text !== null) lines.push(...entry.text.split('\n').map((line) => `  | ${line}`));
  };
  if (answer.intended === null) lines.push('', `${styled(output, 'cyan', 'intended')}  no pin is known for then`);
  else add('intended', answer.intended);
  if (answer.held.length === 0) lines.push('', `${styled(output, 'cyan', 'held')}  nothing was observed by then`);
  for (const held of answer.held) add(`held by ${held.target}${held.part === '' ? '' : ` (${held.part})`}`, held);
  if (answer.used.length === 0) {
    const why =
      answer.calls_kept_since === null
        ? 'no call around that time is known to be of this prompt'
        : `not known any more: calls are kept since ${answer.calls_kept_since}`;
    lines.push('', `${styled(output, 'cyan', 'used')}  ${why}`);
  }
  for (const used of answer.used)
    add(`used by ${used.service}, ${used.invocations} ${used.invocations === 1 ? 'call' : 'calls'}`, used);
  return lines.join('\n');
}

function interval([earliest, latest]: TimeInterval, open: string): string {
  if (earliest === null && latest === null) return open;
  if (earliest === latest) return String(earliest);
  if (earliest === null) return `at or before ${latest}`;
  return latest === null ? `after ${earliest}` : `between ${earliest} and ${latest}`;
}
