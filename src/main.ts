/** Entry of the `plumbline` binary: makes the command line's context and runs one verb. */

import { createToolbox } from './app.ts';
import type { CliContext } from './cli/context.ts';
import { processOutput } from './cli/output.ts';
import { runCommandLine } from './cli/program.ts';
import { VERBS } from './cli/verbs/index.ts';
import { readEnvironment } from './config/environment.ts';
import { packageVersion, runsFromSources } from './lib/package-root.ts';

// Whoever reads our output may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

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
process.exitCode = await runCommandLine(VERBS, asks ? ['start', ...line] : line, context);
