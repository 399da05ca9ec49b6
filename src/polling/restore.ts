/**
 * Puts a registered version back into a target: looks at what is there, refuses if it is not what
 * the operator saw, writes, and reads back. Says what it saw, not what it hopes.
 */

import { Fault } from '../contract/fault.ts';
import type { Observation } from '../contract/observation.ts';
import type { PromptBody, PromptSettings, SeenContent } from '../contract/prompt.ts';
import type { LiveContent, RestorePower, SourceTarget } from '../contract/source.ts';
import { canonicalJson } from '../lib/json.ts';
import { contentHashes, isWhatWasSeen, shownHash } from '../text/hashes.ts';
import type { SourcePoller } from './source-poller.ts';

export interface RestoreCommand {
  /** The registered version, and what it says. */
  readonly version: string;
  readonly body: PromptBody;
  readonly settings: PromptSettings;
  /** The source's own name of that version, where it is known. */
  readonly sourceVersion?: string;
  /** Which of several contents; not needed where there is one. */
  readonly part?: string;
  /** What the operator saw. Absent: whatever is there now may be replaced. */
  readonly expectHash?: SeenContent;
  /** Looks, checks, and writes nothing. */
  readonly dryRun?: boolean;
}

export interface RestoreOutcome {
  readonly form: RestorePower<unknown>['form'];
  readonly comparesAndSets: boolean;
  /** `planned`: a dry run. `nothing_to_do`: it held that already. `not_confirmed`: written, but not read back as written. */
  readonly result: 'restored' | 'planned' | 'nothing_to_do' | 'not_confirmed';
  readonly before: LiveContent | null;
  readonly after: LiveContent | null;
  /** What was recorded about the target before and after. */
  readonly observations: readonly Observation[];
}

/** Older than this it is no look right before the write. */
const LOOK_STANDS_MS = 1_000;

/** Throws a `Fault` when the place can't be read or written, refuses, or holds something else than was seen. */
export async function restoreTarget(
  poller: SourcePoller,
  target: SourceTarget<unknown>,
  command: RestoreCommand,
  signal: AbortSignal,
): Promise<RestoreOutcome> {
  const { restore } = poller.source.source;
  if (restore === undefined) {
    throw new Fault('permanent', `The source ${poller.source.name} (${poller.source.type}) can't write.`, {
      hint: 'Put the version back by hand; Plumbline will see it.',
    });
  }
  const { form, comparesAndSets } = restore;
  const compared = await compare(poller, target, command, signal);
  const { version, body, settings, sourceVersion } = command;
  const of = ({ before, observations }: Compared) => ({ form, comparesAndSets, before, observations });
  if (compared.isRight) return { ...of(compared), result: 'nothing_to_do', after: compared.before };
  if (command.dryRun === true) return { ...of(compared), result: 'planned', after: null };

  const comparedMs = poller.nowMs;
  const last = await poller.writing.run(async () => {
    // Of many each waits for its turn, and what is edited meanwhile must be seen.
    const isOld = !comparesAndSets && poller.nowMs - comparedMs > LOOK_STANDS_MS;
    const now = isOld ? await compare(poller, target, command, signal) : compared;
    if (now.isRight) return now;
    const asked = { version, body, settings, expect: now.before };
    try {
      await restore.restore(target, { ...asked, ...(sourceVersion === undefined ? {} : { sourceVersion }) }, signal);
    } catch (error) {
      throw redacted(error, poller.source.redact);
    }
    return now;
  }, signal);
  if (last.isRight) return { ...of(last), result: 'nothing_to_do', after: last.before };
  const back = await poller.look([target.id], signal, true);
  const contents = back.contents?.get(target.id) ?? [];
  // A share of traffic that was given to another version is another part now.
  const after = pick(contents, last.before?.part) ?? contents.find((content) => holds(content, command)) ?? null;
  const result = after !== null && holds(after, command) ? 'restored' : 'not_confirmed';
  return { ...of(last), result, after, observations: [...last.observations, ...back.observations] };
}

interface Compared {
  readonly before: LiveContent | null;
  /** It holds what it should, under the name that it should. */
  readonly isRight: boolean;
  readonly observations: readonly Observation[];
}

/** Looks at the place. Throws a `Fault` when it can't be read, or holds something else than was seen. */
async function compare(
  poller: SourcePoller,
  target: SourceTarget<unknown>,
  command: RestoreCommand,
  signal: AbortSignal,
): Promise<Compared> {
  const { contents, observations } = await poller.look([target.id], signal, true);
  const before = contentToReplace(target, contents?.get(target.id), observations, command.part);
  const { sourceVersion } = command;
  // A label that names another version with the same text is still moved.
  const names = sourceVersion === undefined || before?.version === undefined || before.version === sourceVersion;
  const isRight = before !== null && names && holds(before, command);
  // Who comes again finds what was put back already, and that is no refusal.
  if (!isRight) refuseOther(target, before, command.expectHash);
  return { before, isRight, observations };
}

function contentToReplace(
  target: SourceTarget<unknown>,
  contents: readonly LiveContent[] | undefined,
  observations: readonly Observation[],
  part: string | undefined,
): LiveContent | null {
  if (contents === undefined) {
    const unreachable = observations.find((observation) => observation.outcome === 'unreachable');
    if (unreachable?.outcome === 'unreachable') {
      throw new Fault('transient', `${target.id} can't be read now: ${unreachable.reason}`, {
        hint: 'Nothing was written. Try again when it answers.',
      });
    }
    return null;
  }
  const found = pick(contents, part);
  if (found !== undefined) return found;
  const parts = contents.map((content) => content.part ?? '').filter((each) => each !== '');
  if (part !== undefined) {
    const hint = parts.length === 0 ? 'It holds one content, without a part.' : `It has: ${parts.join(', ')}.`;
    throw new Fault('config', `${target.id} has no part ${part}.`, { hint });
  }
  const hint = `Say which one, with --part: ${parts.join(', ')}.`;
  throw new Fault('config', `${target.id} holds several contents.`, { hint });
}

function pick(contents: readonly LiveContent[], part: string | undefined): LiveContent | undefined {
  if (part === undefined) return contents.length === 1 ? contents[0] : undefined;
  return contents.find((content) => (content.part ?? '') === part);
}

function refuseOther(target: SourceTarget<unknown>, before: LiveContent | null, expect: SeenContent | undefined): void {
  if (expect === undefined) return;
  if (isWhatWasSeen(before === null ? null : contentHashes(before.body).strict, expect)) return;
  throw new Fault('permanent', `${target.id} no longer holds what you saw (${shownHash(expect)}).`, {
    hint: 'Nothing was written. Look at it again, then restore.',
  });
}

/**
 * The same text, whatever the place did to its carriage (some trim or change line ends), and the
 * same settings where both sides name them.
 */
function holds(content: LiveContent, wanted: RestoreCommand): boolean {
  if (contentHashes(content.body).transport !== contentHashes(wanted.body).transport) return false;
  const { model, parameters, tools } = content.settings ?? {};
  return (
    agree(model, wanted.settings.model) &&
    agree(tools, wanted.settings.tools) &&
    Object.entries(wanted.settings.parameters ?? {}).every(([name, value]) => agree(parameters?.[name], value))
  );
}

function agree(held: unknown, wanted: unknown): boolean {
  return held === undefined || wanted === undefined || canonicalJson(held) === canonicalJson(wanted);
}

function redacted(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof Fault)) return error;
  const { kind, message, hint, retryAfterMs } = error;
  return new Fault(kind, redact(message), {
    ...(hint === undefined ? {} : { hint: redact(hint) }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
