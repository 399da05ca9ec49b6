/**
 * Pushes of places that sign nothing. They send a secret along, because the user put it into a header
 * or into the address of the webhook: it shows who pushes, and says nothing about the body.
 */

import { Fault } from '../../src/contract/fault.ts';
import type { WebhookRequest } from '../../src/contract/source.ts';
import { sameSecret, type Replays } from './signed-push.ts';

const BEARER = /^Bearer +(\S+)$/i;
// A place sends what was not taken again within minutes.
const SENT_AGAIN_MS = 300_000;

/** Taken from `Authorization: Bearer SECRET` or `?token=SECRET`. Throws a `Fault` of kind `permanent` when it is in neither. */
export function requireSharedSecret(request: WebhookRequest, secret: string): void {
  const given = [BEARER.exec(request.headers['authorization'] ?? '')?.[1], request.query['token']];
  if (given.some((each) => each !== undefined && sameSecret(each, secret))) return;
  throw new Fault('permanent', 'The push does not carry the secret of this webhook.', {
    hint: 'Send it as `Authorization: Bearer SECRET`, or end the address with `?token=SECRET`.',
  });
}

/**
 * Refuses a push without a time or an id of its own that was here a moment ago. Later the same may be
 * true again: somebody moved a label there, back, and there again.
 */
export function refuseRepetition(request: WebhookRequest, replays: Replays): void {
  replays.refuse(request, null, undefined, SENT_AGAIN_MS);
}
