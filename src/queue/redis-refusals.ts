/** What Redis answers instead of doing as it was asked, in words, with what to do about it. Pure. */

interface Refusal {
  readonly reason: string;
  readonly hint: string;
}

// By the first word of its error: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
const HINTS: Readonly<Record<string, string>> = {
  MISCONF: "It can't save what it holds: see its log, and whether its disk is full.",
  OOM: 'Redis is full: give it more memory (maxmemory), or see what else fills it.',
  NOPERM: 'Give its user what the queue needs: ACL SETUSER NAME ~{plumbline}* &* +@all -@dangerous +info',
  READONLY: 'It is a replica; queue.redis must lead to the primary, which is looked for.',
  MOVED:
    'It is a node of a Redis Cluster, and the keys of the queue are on the other one that it names. Use a Redis that is no cluster.',
  CLUSTERDOWN: 'It is a node of a Redis Cluster that is not whole. Use a Redis that is no cluster.',
  MASTERDOWN: 'It is a replica; queue.redis must lead to the primary.',
  LOADING: 'It is reading its data after a start; it is tried again.',
  BUSY: 'It is busy with a script; it is tried again.',
  NOAUTH: 'Check user and password in queue.redis.',
  WRONGPASS: 'Check user and password in queue.redis.',
};

/** Null for what Redis did not answer: a closed connection, no answer in time. */
export function refusalOf(error: unknown): Refusal | null {
  const reason = reasonOf(error);
  const hint = HINTS[reason.split(' ', 1)[0] ?? ''];
  return hint === undefined ? null : { reason, hint };
}

/** Redis adds which script it was, and every script has its own. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ script: \w+, on @\w+:\d+\.?$/, '').replace(/\.$/, '');
}

/**
 * What may be lost with these settings, from Redis' own description of itself (`INFO memory`). Null when nothing is:
 * with no limit to its memory it evicts nothing, whatever the policy.
 */
export function evictionProblem(info: string): string | null {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  const limit = /^maxmemory:(\d+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction' || limit === '0') return null;
  return `Redis drops what is queued when its memory is full (maxmemory-policy ${policy}): polls would be left out, and alerts be late. Set its maxmemory-policy to noeviction.`;
}
