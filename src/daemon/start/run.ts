/** Runs the daemon in the foreground until it is told to stop: what `plumbline start` does. */

import { constants } from 'node:os';
import { dirname, relative } from 'node:path';
import { styled, type Output } from '../../cli/output.ts';
import type { Flags } from '../../cli/verb.ts';
import type { Environment } from '../../config/environment.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { LoadedConfiguration } from '../../config/load.ts';
import { Fault } from '../../contract/fault.ts';
import { availableMemory } from '../../lib/available-memory.ts';
import { setMemoryShares } from '../../lib/memory-shares.ts';
import { formatBytes } from '../../lib/http.ts';
import { formatProblems } from '../../lib/problems.ts';
import { formatDuration } from '../../lib/time.ts';
import { takeConsole } from '../../observability/library-output.ts';
import { createLog, LOG_LEVELS, type LogLevel } from '../../observability/log.ts';
import { startMetrics } from '../../observability/metrics.ts';
import { tuneGarbageCollection } from '../memory/garbage-collection.ts';
import { memoryBudget, TOO_LITTLE_MEMORY_HINT, tooLittleMemory } from '../memory/memory-budget.ts';
import { startWithEmbeddedStore, startWithServer } from './start-daemon.ts';
import { prepareQuickstart, Quickstart } from './quickstart.ts';
import { Reception } from '../reception.ts';

export interface RunOptions {
  readonly flags: Flags;
  readonly environment: Environment;
  readonly output: Output;
  readonly workingDirectory: string;
  readonly version: string;
  readonly command: string;
  readonly hasConfiguration: boolean;
  /** The configuration with these flags beside those of the command line. */
  readonly load: (override: Flags) => LoadedConfiguration;
}

/** Resolves after a graceful stop. Throws a `Fault` when it can't start. */
export async function runDaemon(options: RunOptions): Promise<void> {
  const { output, environment, version, command } = options;
  const begun = performance.now();
  const memory = memoryBudget(availableMemory());
  setMemoryShares(memory.shares);
  tuneGarbageCollection(memory.heapGrowthPercent);
  // Instruments made before this would count nothing.
  const metrics = startMetrics(version);
  const quickstartFile = options.hasConfiguration ? null : await prepareQuickstart(options.workingDirectory);
  const configuration = loadedOrFault(options.load(quickstartFile === null ? {} : { config: quickstartFile }));
  const log = createLog({
    // The quick start's console belongs to the story it tells.
    level: levelOf(environment, quickstartFile === null ? 'info' : 'warn'),
    forPeople: process.stderr.isTTY || quickstartFile !== null,
    colour: output.colour,
    secrets: configuration.secrets,
  });
  takeConsole((text) => log.warn({}, text));
  const parts = { configuration, version, memory, log, metrics, print: output.print, colour: output.colour, command };
  const reception = new Reception(parts);
  const end = async (unfinished: readonly string[]): Promise<void> => {
    await metrics.stop();
    const { loss } = reception.directory;
    if (loss !== null) {
      output.note(`Stopped. ${loss}`);
      process.exit(1);
    }
    sayStopped(unfinished, reception.entrance.waitingBytes, output);
  };
  // While a server is waited for it has to be heard. To open an embedded store takes a moment, and may be broken off.
  const stopping = new StopRequest(output);
  const daemon =
    configuration.store.kind === 'embedded'
      ? await startWithEmbeddedStore(parts, reception, () => stopping.listen())
      : await startWithServer(parts, reception, {
          stopping: stopping.listen(),
          onWaiting: (reason) => output.print(waitingLines(reception, version, reason, output)),
        });
  if ('unfinished' in daemon) return end(daemon.unfinished);
  output.print(readyLine(reception, version, performance.now() - begun, output));

  const quickstart = quickstartFile === null ? null : startedQuickstart(quickstartFile, reception, options);
  await quickstart?.start();
  const tooLittle = tooLittleMemory(memory);
  if (tooLittle !== null) output.note(`${tooLittle} ${TOO_LITTLE_MEMORY_HINT}`);
  if (configuration.sources.length === 0) output.note('Nothing is watched yet: add `sources:` to plumbline.yaml.');
  await stopping.asked;
  await quickstart?.stop();
  await end(await daemon.stop());
}

function sayStopped(unfinished: readonly string[], waitingBytes: number, output: Output): void {
  if (unfinished.length === 0) {
    output.print(
      waitingBytes === 0
        ? 'Stopped; everything accepted is stored.'
        : `Stopped; ${formatBytes(waitingBytes)} of what was accepted wait on the disk, and are stored at the next start.`,
    );
    return;
  }
  output.note(`Stopped without waiting any longer for: ${unfinished.join(', ')}. What was accepted is on the disk.`);
  // What goes on would keep the process alive.
  process.exit(1);
}

/** Throws a `Fault` for a level that there is not. */
function levelOf({ variables }: Environment, otherwise: LogLevel): LogLevel {
  const asked = variables['LOG_LEVEL'] ?? otherwise;
  const level = LOG_LEVELS.find((each) => each === asked);
  if (level !== undefined) return level;
  throw new Fault('config', `LOG_LEVEL is ${asked}, which is no level.`, {
    hint: `Use one of ${LOG_LEVELS.join(', ')}.`,
  });
}

function loadedOrFault(loaded: LoadedConfiguration): Configuration {
  if (loaded.ok) return loaded.configuration;
  throw new Fault('config', `The configuration has problems:\n${formatProblems(loaded.problems)}`, {
    hint: 'Nothing was started.',
  });
}

function readyLine(reception: Reception, version: string, elapsedMs: number, output: Output): string {
  const head = styled(output, 'bold', `Plumbline ${version} is ready`);
  return `${head}: ${addressesOf(reception)} (started in ${formatDuration(elapsedMs)})`;
}

function waitingLines(reception: Reception, version: string, reason: string, output: Output): string {
  const head = styled(output, 'bold', `Plumbline ${version} waits for its store, and takes telemetry meanwhile`);
  return `${head}: ${addressesOf(reception)}\n${reason}`;
}

function addressesOf({ addresses: { api, otlp, grpc } }: Reception): string {
  return `API ${api} · OTLP ${otlp} · gRPC ${grpc}`;
}

function startedQuickstart(
  file: string,
  reception: Reception,
  { output, workingDirectory, command }: RunOptions,
): Quickstart {
  const directory = dirname(file);
  return new Quickstart({
    directory,
    workingDirectory,
    otlpAddress: () => reception.addresses.otlp,
    print: output.print,
    hints: [
      [`${command} status`, 'every target with its verdict'],
      [`${command} at support.intent-classifier`, 'which version is intended, held and used, and how we know'],
      [`${command} init`, 'a configuration of your own'],
    ],
    onApplicationEnd: (code) =>
      output.note(`The sample application in ${relative(workingDirectory, directory)} ended with ${code}.`),
  });
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first request to stop is heard; the second one ends the process at once. */
class StopRequest {
  readonly #output: Output;
  readonly #stopping = new AbortController();
  readonly #asked = Promise.withResolvers<void>();

  constructor(output: Output) {
    this.#output = output;
    // To the first process of a container a signal that nobody listens to does nothing.
    if (process.pid === 1) for (const signal of STOP_SIGNALS) process.once(signal, endBy);
  }

  /** Resolves at the first one. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Before, a signal does what it does to every process. The signal that is returned aborts at the first request. */
  listen(): AbortSignal {
    for (const signal of STOP_SIGNALS) process.off(signal, endBy).on(signal, this.#onSignal);
    return this.#stopping.signal;
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#stopping.signal.aborted) endBy(signal);
    this.#output.note('Stopping; once more to stop at once.');
    this.#stopping.abort(new Error('The daemon stops.'));
    this.#asked.resolve();
  };
}

/** As if nobody listened: an exit may have to wait for the engine, which is at work. */
function endBy(signal: NodeJS.Signals): never {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Still there: the first process of a container.
  process.exit(128 + constants.signals[signal]);
}
