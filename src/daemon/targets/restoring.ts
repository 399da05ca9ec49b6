/** Puts a registered version back at a target on somebody's explicit command, records it, and says what was seen. */

import { randomUUID } from 'node:crypto';
import { describeError, Fault } from '../../contract/fault.ts';
import type { ContentHash, RegisteredVersion } from '../../contract/prompt.ts';
import type { RestoreLog, RestoreRecord } from '../../contract/restore-log.ts';
import type { LiveContent } from '../../contract/source.ts';
import type { Clock } from '../../contract/time.ts';
import type { Evidence } from '../../contract/verdict.ts';
import type { RegistryLog } from '../../contract/store.ts';
import { hasHash, variantFor } from '../../drift/expected.ts';
import { versionWords } from '../../drift/version-order.ts';
import type { RestoreCall, RestoreOutcome } from '../../http/api.ts';
import type { Log } from '../../observability/log.ts';
import type { PollingHost, TargetDescription } from '../../polling/host.ts';
import type { RestoreOutcome as HostOutcome } from '../../polling/restore.ts';
import { displayBody } from '../../text/body.ts';
import { unifiedDiff } from '../../text/diff.ts';
import { contentHashes } from '../../text/hashes.ts';
import { timeWords } from '../../text/time-words.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import type { TargetWatch } from './target-watch.ts';

export interface RestoringOptions {
  readonly polling: PollingHost;
  readonly watch: TargetWatch;
  readonly registry: () => RegistryView;
  /** What was ever registered, also under the name of what now is. */
  readonly versions: Pick<RegistryLog, 'recorded'>;
  readonly restores: RestoreLog;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Throws a `Fault` when the target, the version or the power to write is not there, or the place
 * refuses. What can't be recorded is not written.
 */
export async function restore(call: RestoreCall, options: RestoringOptions): Promise<RestoreOutcome> {
  const { polling, watch } = options;
  const target = findTarget(call, polling);
  const version = await asPinned(findVersion(call, target, options.registry()), target, options);
  const name = version.version;
  const held = watch.held(target.id).find(({ part }) => call.part === undefined || part === call.part);
  const place = call.part === undefined || call.part === '' ? target.id : `${target.id} (${call.part})`;
  const variant = variantFor(version, held?.settings.model);
  const command = {
    version: name,
    body: variant.body,
    settings: variant.settings,
    dryRun: call.dryRun,
    ...(call.part === undefined ? {} : { part: call.part }),
    ...(call.expectHash === undefined ? {} : { expectHash: call.expectHash }),
    // Only a source that is this version's registry knows it by this name, and not what it was before.
    ...(version.registry === target.source && isCurrent(version, options.registry()) ? { sourceVersion: name } : {}),
  };
  const record: RestoreRecord = {
    id: randomUUID(),
    target: target.id,
    prompt: target.prompt,
    environment: target.environment,
    begunAt: options.clock.now(),
    endedAt: null,
    by: call.by,
    reason: call.reason,
    from: held === undefined ? null : named(held.hashes.strict, target.prompt, options.registry()),
    to: { version: name, hash: variant.hashes.strict },
    result: 'begun',
    words: '',
  };
  const work = (): Promise<HostOutcome> =>
    watch.whileRestoring(target.id, noteOf(record), () => polling.restore(target.id, command));
  const outcome = call.dryRun ? await work() : await recorded(record, place, work, options);
  const written = outcome.result === 'restored' || outcome.result === 'not_confirmed';
  const before = outcome.before === null ? '' : displayBody(outcome.before.body);
  return {
    target: target.id,
    version: name,
    result: outcome.result,
    written,
    beforeHash: outcome.before === null ? null : contentHashes(outcome.before.body).strict,
    diff: unifiedDiff(before, displayBody(variant.body), {
      beforeLabel: `${place} now`,
      afterLabel: `${target.prompt} ${versionWords(name)}`,
    }),
    readBack: written ? readBackOf(outcome.after, outcome.result) : null,
    words: wordsOf(outcome, place, versionWords(name)),
  };
}

function findTarget(call: RestoreCall, polling: PollingHost): TargetDescription {
  const target = polling.targets().find((candidate) => candidate.id === call.target);
  if (target !== undefined) return target;
  throw new Fault('config', `There is no target ${call.target}.`, {
    hint: '`plumbline status` lists them; a target is SOURCE/prompt.',
  });
}

function findVersion(call: RestoreCall, target: TargetDescription, registry: RegistryView): RegisteredVersion {
  const name = call.version ?? registry.pin(target.prompt, target.environment)?.version;
  if (name === undefined) {
    throw new Fault(
      'config',
      `${target.prompt} is not pinned in ${target.environment}, so there is nothing to put back by itself.`,
      { hint: 'Name a version with --to, or pin one with `plumbline lock`.' },
    );
  }
  const version = registry.version(target.prompt, name);
  if (version !== null) return version;
  const known = registry.versionsOf(target.prompt).map((candidate) => candidate.version);
  throw new Fault('config', `${target.prompt} has no version ${name}.`, {
    hint: known.length === 0 ? 'Nothing is registered for it.' : `Registered: ${known.join(', ')}.`,
  });
}

/**
 * The text that was pinned, where the registry now has another one under the same version: to put that back would
 * spread it.
 */
async function asPinned(
  version: RegisteredVersion,
  { prompt, environment }: TargetDescription,
  { registry, versions }: RestoringOptions,
): Promise<RegisteredVersion> {
  const pin = registry().pin(prompt, environment);
  if (pin?.version !== version.version || hasHash(version, pin.hash)) return version;
  const pinned = await versions.recorded(prompt, pin.version, pin.hash);
  if (pinned !== null) return pinned;
  const what = `${prompt} ${versionWords(pin.version)}`;
  throw new Fault('config', `${what} is not registered with the text that ${pin.rule} pins, ${pin.hash}.`, {
    hint: `Put the pinned text back into ${version.origin.file}, or pin what is there now: plumbline lock ${prompt}@${pin.version} --environment ${environment}`,
  });
}

function isCurrent(version: RegisteredVersion, registry: RegistryView): boolean {
  return registry.version(version.prompt, version.version) === version;
}

/** Two rows: one before anything is written, one with what came of it. */
async function recorded(
  record: RestoreRecord,
  place: string,
  work: () => Promise<HostOutcome>,
  { restores, registry, clock, log }: RestoringOptions,
): Promise<HostOutcome> {
  const { target, by, reason, to } = record;
  await restores.append(record);
  const end = async (ending: Partial<RestoreRecord>): Promise<void> => {
    try {
      await restores.append({ ...record, ...ending, endedAt: clock.now() });
    } catch (error) {
      log.error({ target, restore: record.id, error: describeError(error) }, 'how a restore ended is not recorded');
    }
  };
  try {
    const outcome = await work();
    const { result, before } = outcome;
    const from = before === null ? null : named(contentHashes(before.body).strict, record.prompt, registry());
    // Only a dry run is planned and no more, and that is not recorded.
    if (result !== 'planned') await end({ result, from, words: wordsOf(outcome, place, versionWords(to.version)) });
    if (result !== 'nothing_to_do')
      log.warn({ target, version: to.version, by, reason, result }, 'a version was put back');
    return outcome;
  } catch (error) {
    await end({ result: 'failed', words: describeError(error) });
    throw error;
  }
}

function named(hash: ContentHash, prompt: string, registry: RegistryView): RestoreRecord['from'] {
  const version = registry
    .versionsOf(prompt)
    .findLast((candidate) => candidate.variants.some((variant) => variant.hashes.strict === hash));
  return { version: version?.version ?? null, hash };
}

function noteOf({ by, reason, to, begunAt }: RestoreRecord): Evidence {
  const why = reason === '' ? '' : `: ${reason}`;
  return { kind: 'restore', words: `${by} put ${versionWords(to.version)} back at ${timeWords(begunAt)}${why}` };
}

function readBackOf(after: LiveContent | null, result: HostOutcome['result']): RestoreOutcome['readBack'] {
  return { hash: after === null ? null : contentHashes(after.body).strict, matches: result === 'restored' };
}

function wordsOf(outcome: HostOutcome, target: string, version: string): string {
  const guarded = outcome.comparesAndSets
    ? ''
    : ' The place can’t compare and set: it was compared right before the write.';
  switch (outcome.result) {
    case 'planned':
      return `Would write ${version} to ${target}. Nothing was written.`;
    case 'nothing_to_do':
      return `${target} holds ${version} already. Nothing was written.`;
    case 'restored':
      return `${target} holds ${version} again, as read back after the write.${guarded}`;
    case 'not_confirmed':
      return `Wrote ${version} to ${target}, but it was not read back as written. Look at the place before you try again.`;
  }
}
