/** Puts a registered version back at a target on somebody's explicit command, and says what was seen. */

import { Fault } from '../contract/fault.ts';
import type { LiveContent } from '../contract/source.ts';
import { variantFor } from '../drift/expected.ts';
import { versionWords } from '../drift/version-order.ts';
import type { RestoreCall, RestoreOutcome } from '../http/api.ts';
import type { Log } from '../observability/log.ts';
import type { PollingHost } from '../polling/host.ts';
import type { RestoreOutcome as HostOutcome } from '../polling/restore.ts';
import { displayBody } from '../text/body.ts';
import { unifiedDiff } from '../text/diff.ts';
import { contentHashes } from '../text/hashes.ts';
import type { RegistryView } from './registry-view.ts';
import type { TargetWatch } from './target-watch.ts';

export interface RestoringOptions {
  readonly polling: PollingHost;
  readonly watch: TargetWatch;
  readonly registry: () => RegistryView;
  readonly log: Log;
}

/** Throws a `Fault` when the target, the version or the power to write is not there, or the place refuses. */
export async function restore(
  call: RestoreCall,
  { polling, watch, registry, log }: RestoringOptions,
): Promise<RestoreOutcome> {
  const target = polling.targets().find((candidate) => candidate.id === call.target);
  if (target === undefined) {
    throw new Fault('config', `There is no target ${call.target}.`, {
      hint: '`plumbline status` lists them; a target is SOURCE/prompt.',
    });
  }
  const name = call.version ?? registry().pin(target.prompt, target.environment)?.version;
  if (name === undefined) {
    throw new Fault(
      'config',
      `${target.prompt} is not pinned in ${target.environment}, so there is nothing to put back by itself.`,
      {
        hint: 'Name a version with --to, or pin one with `plumbline lock`.',
      },
    );
  }
  const version = registry().version(target.prompt, name);
  if (version === null) {
    const known = registry()
      .versionsOf(target.prompt)
      .map((candidate) => candidate.version);
    throw new Fault('config', `${target.prompt} has no version ${name}.`, {
      hint: known.length === 0 ? 'Nothing is registered for it.' : `Registered: ${known.join(', ')}.`,
    });
  }
  const [held] = watch.held(target.id);
  const variant = variantFor(version, held?.settings.model);
  const command = { version: name, body: variant.body, settings: variant.settings, dryRun: call.dryRun };
  const outcome = await watch.whileRestoring(target.id, () => polling.restore(target.id, command));
  const written = outcome.result === 'restored' || outcome.result === 'not_confirmed';
  if (written)
    log.warn(
      { target: target.id, version: name, by: call.by, reason: call.reason, result: outcome.result },
      'a version was put back',
    );
  const before = outcome.before === null ? '' : displayBody(outcome.before.body);
  return {
    target: target.id,
    version: name,
    written,
    diff: unifiedDiff(before, displayBody(variant.body), {
      beforeLabel: `${target.id} now`,
      afterLabel: `${target.prompt} ${versionWords(name)}`,
    }),
    readBack: written ? readBackOf(outcome.after, outcome.result) : null,
    words: wordsOf(outcome, target.id, versionWords(name)),
  };
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
