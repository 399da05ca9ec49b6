/** An alert as a channel gets it, and what a channel throws. */

import { expect } from 'vitest';
import type { Alert } from '../../src/contract/channel.ts';
import { Fault } from '../../src/contract/fault.ts';
import { EDITED_TEXT, findingOf, openIncident } from '../support/judgements.ts';
import { time } from '../support/prompts.ts';

export const ALERT: Alert = {
  deliveryId: 'd3l1v3ry',
  transition: 'opened',
  incident: openIncident(findingOf(EDITED_TEXT), time('02:41:41'), 12),
  at: time('02:41:42'),
  restoreCommand: 'plumbline restore checkout-config/support.intent',
  showCommand: 'plumbline incidents 4f1c2a',
  url: null,
};

export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => new Error('It was sent.'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
}
