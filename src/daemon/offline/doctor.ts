/** Checks everything that a configuration names, one after the other, without starting the daemon. */

import { createServer } from 'node:net';
import type { Check } from '../../cli/context.ts';
import type { ChannelConfiguration, Configuration } from '../../config/configuration.ts';
import { describeError } from '../../contract/fault.ts';
import type { Queue } from '../../contract/queue.ts';
import type { Reading } from '../../contract/source.ts';
import { formatBytes } from '../../lib/http.ts';
import { settlesWithin } from '../../lib/limits.ts';
import { formatDuration } from '../../lib/time.ts';
import { formatProblem } from '../../lib/problems.ts';
import type { OpenSource } from '../../polling/source-config.ts';
import { addressOf } from '../start/open-store.ts';
import { TOO_LITTLE_MEMORY_HINT, tooLittleMemory, type MemoryBudget } from '../memory/memory-budget.ts';
import type { RegistryLoad } from '../registry/registry-keeper.ts';

/** Problems of the registry that are shown in full; the rest is counted. */
const PROBLEMS_SHOWN = 10;
const QUEUE_JOB_MS = 10_000;
const QUEUE_STOP_MS = 2_000;

export interface DoctorTools {
  /** Of a daemon that is started here, as in the same container. */
  readonly memory: MemoryBudget;
  /** Address of the daemon that runs with this configuration's data, or null. */
  readonly runningDaemon: () => Promise<string | null>;
  /** Address of any daemon that listens where this configuration's would, or null. */
  readonly otherDaemon: () => Promise<string | null>;
  readonly loadRegistry: () => Promise<RegistryLoad>;
  /** What a running daemon says is wrong; throws a `Fault`. */
  readonly problemsOf: (url: string) => Promise<readonly string[]>;
  /** Opens and closes the store, and says what is missing from it; throws a `Fault`. */
  readonly tryStore: () => Promise<readonly string[]>;
  readonly openSources: () => readonly OpenSource[];
  readonly createQueue: () => Queue;
  /** Sends a test alert and its end, and returns the receiver's receipt; throws a `Fault`. Null: nothing is to be sent. */
  readonly sendTest: ((channel: ChannelConfiguration) => Promise<string>) | null;
}

export async function* doctor(configuration: Configuration, tools: DoctorTools): AsyncIterable<Check> {
  yield ok('configuration', configuration.file ?? 'none: the defaults hold');
  const running = await tools.runningDaemon();
  const other = running === null ? await tools.otherDaemon() : null;
  if (running !== null) yield ok('daemon', `running at ${running}`);
  else if (other === null) yield ok('daemon', 'none is running with this configuration');
  else yield otherDaemon(configuration, other);
  if (running !== null) yield* checkDaemon(running, tools);
  yield checkMemory(tools);
  yield* checkRegistry(configuration, tools);
  yield* checkStore(configuration, tools, running);
  yield* checkQueue(configuration, tools);
  if (running === null) yield* checkPorts(configuration);
  yield* checkSources(configuration, tools);
  yield* checkChannels(configuration, tools);
}

async function* checkDaemon(url: string, tools: DoctorTools): AsyncIterable<Check> {
  try {
    for (const words of await tools.problemsOf(url)) yield { what: 'daemon', status: 'warning', words };
  } catch (error) {
    yield failed('daemon', error);
  }
}

function checkMemory({ memory }: DoctorTools): Check {
  const words = tooLittleMemory(memory);
  if (words === null) return ok('memory', formatBytes(memory.availableBytes));
  return { what: 'memory', status: 'warning', words, hint: TOO_LITTLE_MEMORY_HINT };
}

/** In another container or on another machine it may be the daemon of this configuration all the same. */
function otherDaemon({ dataDirectory }: Configuration, url: string): Check {
  return {
    what: 'daemon',
    status: 'warning',
    words: `the one that answers at ${url} does not run on this machine with the data in ${dataDirectory}`,
    hint: 'If it is another one (the quick start?), stop it, or set `server: { port, otlp_port, grpc_port }`.',
  };
}

async function* checkRegistry(configuration: Configuration, tools: DoctorTools): AsyncIterable<Check> {
  if (configuration.registryDirectories.length === 0 && configuration.registrySources.length === 0) {
    yield {
      what: 'registry',
      status: 'warning',
      words: 'no folder or source is named, so every live prompt is unregistered',
      hint: 'Add `registry: [{ files: ./prompts }]`.',
    };
    return;
  }
  const { snapshot, problems, notes, warnings = [] } = await tools.loadRegistry();
  for (const problem of problems.slice(0, PROBLEMS_SHOWN))
    yield { what: 'registry', status: 'failed', words: formatProblem(problem) };
  if (problems.length > PROBLEMS_SHOWN) {
    yield {
      what: 'registry',
      status: 'failed',
      words: `${problems.length - PROBLEMS_SHOWN} more problems`,
      hint: '`plumbline validate` lists them all.',
    };
  }
  const prompts = new Set(snapshot.versions.map((version) => version.prompt)).size;
  if (problems.length === 0 && configuration.registryDirectories.length > 0)
    yield ok('registry', `${prompts} prompts, ${snapshot.versions.length} versions`);
  for (const note of notes) yield { what: 'registry', status: warnings.includes(note) ? 'warning' : 'ok', words: note };
  if (snapshot.pins.length === 0) {
    yield {
      what: 'lockfile',
      status: 'warning',
      words: 'nothing is pinned, so any registered version counts as right',
      hint: 'Run `plumbline lock`.',
    };
  } else {
    yield ok('lockfile', `${snapshot.pins.length} pins`);
  }
}

async function* checkStore({ store }: Configuration, tools: DoctorTools, running: string | null): AsyncIterable<Check> {
  const what = `store ${addressOf(store)}`;
  if (store.kind === 'embedded' && running !== null) {
    yield ok(what, 'in use by the running daemon');
    return;
  }
  try {
    const missing = await tools.tryStore();
    yield ok(what, 'opens, and its schema is up to date');
    for (const words of missing) yield { what, status: 'failed', words };
  } catch (error) {
    yield failed(what, error);
  }
}

/** Asked alone, a Redis that is full, can't save or has a narrow user answers as if all were well. */
async function* checkQueue({ redisUrl }: Configuration, tools: DoctorTools): AsyncIterable<Check> {
  if (redisUrl === null) {
    yield ok('queue', 'in this process');
    return;
  }
  const queue = tools.createQueue();
  const done = Promise.withResolvers<void>();
  queue.handle('doctor', 1, async () => done.resolve());
  try {
    await queue.start();
    await queue.add('doctor', null);
    if (await settlesWithin(done.promise, QUEUE_JOB_MS)) yield ok('queue', 'Redis took a job and gave it back');
    else
      yield {
        what: 'queue',
        status: 'failed',
        words: `Redis took a job and did not give it back within ${formatDuration(QUEUE_JOB_MS)}`,
      };
    const { problem = null } = queue;
    if (problem !== null) yield { what: 'queue', status: 'warning', words: problem };
  } catch (error) {
    yield failed('queue', error);
  } finally {
    await queue.stop(QUEUE_STOP_MS).catch(() => undefined);
  }
}

async function* checkPorts({ server }: Configuration): AsyncIterable<Check> {
  for (const [name, port] of [
    ['HTTP API', server.port],
    ['OTLP/HTTP', server.otlpPort],
    ['OTLP/gRPC', server.grpcPort],
  ] as const) {
    const error = await whyNotFree(server.host, port);
    const isTaken = error?.code === 'EADDRINUSE';
    if (error === null) yield ok(`port ${port} (${name})`, 'free');
    else
      yield {
        what: `port ${port} (${name})`,
        status: 'failed',
        words: error.message,
        hint: isTaken ? 'Stop what uses it, or choose another port.' : 'Check `server.host` and the port.',
      };
  }
}

function whyNotFree(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(port, host, () => {
      server.close(() => resolve(null));
    });
  });
}

async function* checkSources({ registrySources }: Configuration, tools: DoctorTools): AsyncIterable<Check> {
  let sources: readonly OpenSource[];
  try {
    sources = tools.openSources();
  } catch (error) {
    yield failed('sources', error);
    return;
  }
  if (sources.length === 0)
    yield {
      what: 'sources',
      status: 'warning',
      words: 'none are configured, so nothing is watched',
      hint: 'Add `sources:`.',
    };
  for (const opened of sources) {
    yield* checkSource(opened);
    if (registrySources.includes(opened.name)) yield await checkHistory(opened);
    await opened.source.close?.();
  }
}

async function* checkSource(opened: OpenSource): AsyncIterable<Check> {
  const started = performance.now();
  const answered = new Set<string>();
  try {
    const signal = AbortSignal.timeout(opened.timeoutMs);
    for await (const reading of opened.source.live.read(opened.targets, new Map(), signal)) {
      answered.add(reading.target);
      yield describeReading(reading, opened, performance.now() - started);
    }
  } catch (error) {
    yield { what: `source ${opened.name}`, status: 'failed', words: opened.redact(describeError(error)) };
    return;
  }
  for (const target of opened.targets) {
    if (!answered.has(target.id))
      yield { what: `target ${target.id}`, status: 'failed', words: 'the source said nothing about it' };
  }
}

/** The beginning of a history says that the rest can be read; all of it may be a million requests. */
async function checkHistory({ name, type, source, timeoutMs, redact }: OpenSource): Promise<Check> {
  const what = `registry ${name}`;
  if (source.versions === undefined) {
    const hint = 'docs/sources.md lists the types with the power `versions`.';
    return { what, status: 'failed', words: `a source of the type ${type} can't tell its history`, hint };
  }
  try {
    for await (const { version } of source.versions.list(null, AbortSignal.timeout(timeoutMs)))
      return ok(what, `its history can be read; the first is ${version.prompt} ${version.version}`);
    return { what, status: 'warning', words: 'it holds no versions yet' };
  } catch (error) {
    return { what, status: 'failed', words: redact(describeError(error)) };
  }
}

function describeReading(reading: Reading, opened: OpenSource, elapsedMs: number): Check {
  const what = `target ${reading.target}`;
  switch (reading.outcome) {
    case 'held':
    case 'unchanged':
      return ok(what, `read in ${formatDuration(elapsedMs)}`);
    case 'missing':
      return {
        what,
        status: 'failed',
        words: opened.redact(`it is not there: ${reading.reason}`),
        hint: 'Check its path or name in the configuration.',
      };
    case 'unreachable':
      return {
        what,
        status: 'failed',
        words: opened.redact(`no trustworthy answer: ${reading.reason}`),
        hint: 'Check the address, the key and the network.',
      };
  }
}

async function* checkChannels({ channels, routes }: Configuration, tools: DoctorTools): AsyncIterable<Check> {
  if (channels.length === 0) {
    yield {
      what: 'channels',
      status: 'warning',
      words: 'none are configured, so nobody hears of an incident',
      hint: 'Add `channels:`.',
    };
  }
  for (const channel of channels) {
    const isRouted = routes.length === 0 || routes.some((route) => route.channels.includes(channel.name));
    if (isRouted) yield await checkChannel(channel, tools);
    else
      yield {
        what: `channel ${channel.name}`,
        status: 'warning',
        words: 'no route leads to it',
        hint: 'Name it in `routes:`, or remove it.',
      };
  }
}

async function checkChannel(channel: ChannelConfiguration, { sendTest }: DoctorTools): Promise<Check> {
  const what = `channel ${channel.name}`;
  // The console is the daemon's, and this is another.
  if (channel.type === 'console') return ok(what, 'console, configured; it is where the daemon runs');
  if (sendTest === null)
    return ok(what, `${channel.type}, configured; nothing was sent (\`plumbline doctor --send-test\` does)`);
  try {
    return ok(what, `${channel.type}, took a test alert and its end: ${await sendTest(channel)}`);
  } catch (error) {
    return failed(what, error);
  }
}

function ok(what: string, words: string): Check {
  return { what, status: 'ok', words };
}

function failed(what: string, error: unknown): Check {
  return { what, status: 'failed', words: describeError(error) };
}
