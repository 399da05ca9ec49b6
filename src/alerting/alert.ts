/** Builds what a channel needs to write a good message from what is stored. Pure. */

import type { Alert, AlertGroup } from '../contract/channel.ts';
import type { Incident } from '../contract/incident.ts';
import type { Delivery } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { shortId } from '../lib/hash.ts';
import { shellWord } from '../lib/shell-word.ts';
import { shownHash } from '../text/hashes.ts';

export interface AlertOptions {
  /** How the command line is called here: `plumbline`, or `npm run plumbline --` in a clone. */
  readonly command: string;
  /** Where people reach the web page; null when the daemon does not know. */
  readonly publicUrl: string | null;
  /** Whether that target's source can put a version back. */
  readonly canRestore: (target: string) => boolean;
}

export function buildAlert(delivery: Delivery, incident: Incident, at: Timestamp, options: AlertOptions): Alert {
  const { command } = options;
  return {
    deliveryId: delivery.id,
    transition: delivery.transition,
    incident,
    at,
    restoreCommand: delivery.transition === 'resolved' ? null : restoreCommand(incident, options),
    showCommand: `${command} incidents ${incident.id}`,
    url: pageOf(`incidents/${incident.id}`, options),
  };
}

/** Two or more. */
export function buildGroup(alerts: readonly Alert[], options: AlertOptions): AlertGroup {
  // Those that are over are listed only when asked for.
  const isOver = alerts.every(({ transition }) => transition === 'resolved');
  const id = shortId('message', ...alerts.map(({ deliveryId }) => deliveryId).toSorted());
  const canRestore = alerts.some(({ restoreCommand: command }) => command !== null);
  return {
    id,
    alerts,
    restoreCommand: canRestore ? `${options.command} restore --alert ${id}` : null,
    showCommand: `${options.command} incidents${isOver ? ' --all' : ''}`,
    url: pageOf('incidents', options),
  };
}

function pageOf(path: string, { publicUrl }: AlertOptions): string | null {
  return publicUrl === null ? null : `${publicUrl.replace(/\/+$/, '')}/${path}`;
}

/** The command that puts back what belongs there, over what this incident saw there and nothing that came later. */
export function restoreCommand(incident: Incident, options: Omit<AlertOptions, 'publicUrl'>): string | null {
  // There is nothing to put back when all is well, when nothing says what belongs there, or when the
  // source can't write.
  if (incident.status === 'resolved') return null;
  if (incident.expected === null || !options.canRestore(incident.target)) return null;
  const { target, part, observed } = incident;
  const ofPart = part === '' ? '' : ` --part ${shellWord(part)}`;
  const seen = observed.hash === null ? 'missing' : shownHash(observed.hash);
  return `${options.command} restore ${shellWord(target)}${ofPart} --expect ${seen}`;
}
