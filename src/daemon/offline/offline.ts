/** What verbs do without a running daemon: read the registry, write the lockfile, ask the store, check everything. */

import { daemonClient } from '../../cli/client.ts';
import { urlOf, type Check, type DoctorWishes, type LockResult } from '../../cli/context.ts';
import type { RegistryReport } from '../../cli/registry-report.ts';
import type { ChannelConfiguration, Configuration } from '../../config/configuration.ts';
import type { AuditLog } from '../../contract/audit.ts';
import { Fault } from '../../contract/fault.ts';
import type { SqlQuestion } from '../../contract/sql.ts';
import type { ActiveAt, AtQuery } from '../../contract/store.ts';
import { availableMemory } from '../../lib/available-memory.ts';
import { takeConsole } from '../../observability/library-output.ts';
import { systemClock } from '../../lib/time.ts';
import { createQueue } from '../../queue/index.ts';
import { parseLockRequest, planLock, writeLockFile } from '../../registry/lock.ts';
import { validateRegistry } from '../../registry/validate.ts';
import { createStore, type Store } from '../../store/index.ts';
import { memoryBudget } from '../memory/memory-budget.ts';
import { doctor, type DoctorTools } from './doctor.ts';
import { registryLoader, registryOptions } from '../registry/load-registry.ts';
import { openConfiguredSources } from '../targets/open-configured-sources.ts';
import { openChannel } from '../open-channel.ts';
import { missingFromStore, openStore } from '../start/open-store.ts';
import { runningDaemonUrl } from '../start/find-running.ts';
import { testAlerts } from './test-alerts.ts';
import { readWholeRegistry } from './whole-registry.ts';

const TEST_ALERT_MS = 30_000;

export async function reportRegistry(configuration: Configuration): Promise<RegistryReport> {
  const { registry, problems, notes, counts } = await validateRegistry(registryOptions(configuration, never()));
  const unread = configuration.registrySources.map(
    (source) =>
      `${source} was not asked: its versions, and pins of prompts that only it has, are checked by the daemon.`,
  );
  return { snapshot: registry.snapshot, problems, notes: [...notes, ...unread], counts };
}

export async function lockRegistry(
  configuration: Configuration,
  requests: readonly string[],
  environment: string | null,
  dryRun: boolean,
): Promise<LockResult> {
  const { versions, locked, present } = await readWholeRegistry(
    configuration,
    configuration.registrySources.length === 0 ? [] : openConfiguredSources(configuration),
    never(),
  );
  if (locked === null)
    throw new Fault('config', 'The lockfile has problems, and would lose pins if it were written now.', {
      hint: '`plumbline validate` lists them.',
    });
  const plan = planLock({ locked, versions, present, environment, requests: requests.map(parseLockRequest) });
  const written = !dryRun && plan.refusals.length === 0 && plan.changes.length > 0 && configuration.lockFile !== null;
  if (written && configuration.lockFile !== null) await writeLockFile(configuration.lockFile, plan.text);
  return { written, changes: plan.changes, refusals: plan.refusals };
}

export function askStore(configuration: Configuration, query: AtQuery, version: string): Promise<ActiveAt> {
  return useStore(configuration, version, ({ timeline }) => timeline.at(query));
}

export function useAudit<Result>(
  configuration: Configuration,
  use: (audit: AuditLog) => Promise<Result>,
  version: string,
): Promise<Result> {
  return useStore(configuration, version, ({ audit }) => use(audit));
}

export function askInSql(configuration: Configuration, question: SqlQuestion, version: string): Promise<Uint8Array> {
  return useStore(configuration, version, ({ sql }) => sql.ask(question));
}

async function useStore<Result>(
  configuration: Configuration,
  version: string,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  const database = await openStore(configuration.store, version, systemClock);
  try {
    return await use(createStore(database, systemClock));
  } finally {
    await database.close();
  }
}

export async function* examine(
  configuration: Configuration,
  version: string,
  wishes: DoctorWishes,
): AsyncIterable<Check> {
  // The checks tell what libraries would write in between.
  const giveBack = takeConsole(() => undefined);
  try {
    yield* doctor(configuration, doctorTools(configuration, version, wishes));
  } finally {
    giveBack();
  }
}

function doctorTools(configuration: Configuration, version: string, { sendTest, command }: DoctorWishes): DoctorTools {
  return {
    memory: memoryBudget(availableMemory()),
    runningDaemon: () => runningDaemonUrl(configuration),
    otherDaemon: async () => {
      const url = urlOf(configuration.server);
      return (await daemonClient(url, undefined).isRunning()) ? url : null;
    },
    problemsOf: async (url) => {
      // While it starts or stops it says so, with another status.
      const reads = configuration.keys.find(({ scopes }) => scopes.includes('read') || scopes.includes('admin'));
      const answer = await daemonClient(url, reads?.key).get<{ problems: readonly string[] }>('/readyz');
      return answer.problems;
    },
    loadRegistry: registryLoader(configuration, never(), () => systemClock.now()),
    tryStore: async () => {
      const database = await openStore(configuration.store, version, systemClock);
      try {
        return await missingFromStore(database);
      } finally {
        await database.close();
      }
    },
    openSources: () => openConfiguredSources(configuration),
    createQueue: () => createQueue({ clock: systemClock, redis: configuration.redisUrl ?? undefined }),
    sendTest: sendTest ? (channel) => sendTestAlerts(channel, command) : null,
  };
}

async function sendTestAlerts(configured: ChannelConfiguration, command: string): Promise<string> {
  const channel = openChannel(configured, () => {}, false);
  try {
    const receipts: string[] = [];
    for (const alert of testAlerts(configured.name, systemClock.now(), command)) {
      receipts.push(await channel.send(alert, AbortSignal.timeout(TEST_ALERT_MS)));
    }
    return receipts.join(', ');
  } finally {
    await channel.close?.();
  }
}

/** A signal for verbs, which end with their process. */
function never(): AbortSignal {
  return new AbortController().signal;
}
