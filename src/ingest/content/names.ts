/**
 * Names and ids, of models, services, prompts, conversations. They stand in columns as they are, and in every
 * answer, so unlike texts they can't be put elsewhere: one of megabytes is cut.
 */

import type { SpanFacts } from '../../contract/span-facts.ts';
import { shortId } from '../../lib/hash.ts';

/** Four times as long as any that was seen, which are names of resources in a cloud. */
const NAME_CHARACTERS_MAX = 1_024;
// Two that begin alike stay two.
const MARK_CHARACTERS = ' [cut: 0123456789abcdef]'.length;

const NAMES = [
  'service',
  'instance',
  'environment',
  'provider',
  'requestModel',
  'responseModel',
  'serviceTier',
  'responseId',
  'conversationId',
] as const satisfies readonly (keyof SpanFacts)[];

/** Changes what is given. */
export function boundNames(facts: { -readonly [Key in keyof SpanFacts]: SpanFacts[Key] }): void {
  for (const key of NAMES) {
    const name = facts[key];
    if (isLong(name)) facts[key] = boundedName(name);
  }
  const { declared, finishReasons, evaluations, error } = facts;
  if (declared !== undefined && (isLong(declared.name) || isLong(declared.version) || isLong(declared.label))) {
    const { name, version, label } = declared;
    facts.declared = { name: boundedName(name), version: boundedName(version), label: boundedName(label) };
  }
  if (error !== undefined && isLong(error.type)) facts.error = { ...error, type: boundedName(error.type) };
  if (finishReasons?.some(isLong) === true) facts.finishReasons = finishReasons.map(boundedName);
  if (evaluations?.some(({ name, label }) => isLong(name) || isLong(label)) === true) {
    facts.evaluations = evaluations.map((each) => ({
      ...each,
      name: boundedName(each.name),
      label: boundedName(each.label),
    }));
  }
}

export function boundedName<Name extends string | null>(name: Name): Name | string {
  if (!isLong(name)) return name;
  return `${name.slice(0, NAME_CHARACTERS_MAX - MARK_CHARACTERS).toWellFormed()} [cut: ${shortId(name)}]`;
}

function isLong(name: string | null | undefined): name is string {
  return name !== null && name !== undefined && name.length > NAME_CHARACTERS_MAX;
}
