/** Entry of the `plumbline` binary: makes the command line's context and runs one verb. */

import { createToolbox } from './app.ts';
import type { CliContext } from './cli/context.ts';
import { processOutput } from './cli/output.ts';
import { runCommandLine } from './cli/program.ts';
import type { ExitCode } from './cli/verb.ts';
import { VERBS } from './cli/verbs/index.ts';
import { prepareForGit, readEnvironment } from './config/environment.ts';
import { packageVersion, runsFromSources } from './lib/package-root.ts';

// Whoever reads our output may have seen enough, as `head` has; a log's disk may be full, a terminal gone. A daemon
// goes on without; an answer that was not written is none.
let unwritten: NodeJS.ErrnoException | null = null;
process.stderr.on('error', () => undefined);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  if (unwritten === null) process.stderr.write(`Standard output can't be written: ${error.message}.\n`);
  unwritten = error;
  process.exitCode = failedOr(0);
});

prepareForGit();
const environment = readEnvironment(process.stdout.isTTY);
const output = processOutput(environment.colour);
const version = packageVersion();
const command = runsFromSources ? 'npm run -s plumbline --' : 'plumbline';
const workingDirectory = process.cwd();
const context: CliContext = {
  output,
  workingDirectory,
  version,
  command,
  toolbox: createToolbox({ environment, output, workingDirectory, version, command }),
};

// Without a verb, or with flags only, it is the daemon that is wanted.
const line = process.argv.slice(2);
const first = line[0];
const asks =
  first === undefined || (first.startsWith('-') && !['-h', '--help', '-V', '--version', 'help'].includes(first));
const verb = asks ? 'start' : first;
process.exitCode = failedOr(await runCommandLine(VERBS, asks ? ['start', ...line] : line, context));

function failedOr(code: ExitCode): ExitCode {
  return unwritten === null || verb === 'start' ? code : 2;
}
