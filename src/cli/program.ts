/** Builds the command line from the verbs and turns every outcome into an exit code. */

import { Command, CommanderError } from 'commander';
import { isFault, stackOf } from '../contract/fault.ts';
import { notWritten } from '../lib/files.ts';
import { asTyped, type CliContext } from './context.ts';
import { styled } from './output.ts';
import type { ExitCode, Flags, Verb } from './verb.ts';

/** Runs one command line (without the interpreter and the script). Never throws. */
export async function runCommandLine(
  verbs: readonly Verb[],
  line: readonly string[],
  context: CliContext,
): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = new Command('plumbline')
    .description('Shows when a production prompt is out of true.')
    .version(context.version)
    .showHelpAfterError(`\`${context.command} --help\` lists the verbs.`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.output.print(text.trimEnd()),
      writeErr: (text) => context.output.note(text.trimEnd()),
    });
  for (const verb of verbs) {
    const command = program.command(verb.usage).description(verb.summary);
    command.showHelpAfterError(`\`${context.command} ${command.name()} --help\` says how.`);
    addOptions(command, verb, context.command);
    command.action(async (...parameters: unknown[]) => {
      const self = parameters.at(-1) as Command;
      const positional = self.processedArgs.flat().filter((value): value is string => typeof value === 'string');
      exitCode = await verb.run(positional, self.opts<Flags>(), context);
    });
  }
  try {
    await program.parseAsync([...line], { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportFailure(error, line, context);
  }
}

function addOptions(command: Command, verb: Verb, binary: string): void {
  for (const [flags, description, fallback] of verb.options) {
    // Commander's own lists would swallow the positional that comes after them.
    if (flags.endsWith('...')) command.option(flags.slice(0, -3), description, collect);
    else command.option(flags, description, fallback);
  }
  command
    .option('--config <file>', 'configuration (default: PLUMBLINE_CONFIG, else ./plumbline.yaml)')
    .option(
      '--data <dir>',
      'directory of the embedded store, the spool and caches (default: PLUMBLINE_DATA, else of the configuration)',
    )
    .option('--json', 'print JSON');
  if (verb.examples.length > 0) {
    command.addHelpText('after', `\nExamples:\n${verb.examples.map((example) => `  ${binary} ${example}`).join('\n')}`);
  }
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function reportFailure(thrown: unknown, line: readonly string[], context: CliContext): ExitCode {
  const error = notWritten(thrown, 'A file', 'Free some space, or choose a place where this user may write.') ?? thrown;
  const { output } = context;
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const hint = isFault(error) && error.hint !== undefined ? asTyped(error.hint, context) : undefined;
  if (line.includes('--json')) {
    const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error);
    output.json({ error: { message, hint } });
    return 2;
  }
  // Commander has said already what is wrong with the line.
  if (error instanceof CommanderError) return 2;
  if (isFault(error)) {
    output.note(styled(output, 'red', error.message));
    if (hint !== undefined) output.note(hint);
    return 2;
  }
  output.note(`A bug: ${stackOf(error)}`);
  return 2;
}
