/** Finds the daemon that runs with a data directory, which may listen elsewhere than its configuration says. */

import { join } from 'node:path';
import { urlOf } from '../../cli/context.ts';
import type { DaemonPlace } from '../../config/configuration.ts';
import { directoryOwner } from '../../store/engine/data-directory.ts';

/** Null: none runs on this machine, or it does not listen yet. */
export async function runningDaemonUrl({ server, dataDirectory }: DaemonPlace): Promise<string | null> {
  const address = (await directoryOwner(dataDirectory))?.address ?? null;
  if (address === null || !URL.canParse(address)) return null;
  // Only the port is believed: whoever may write into the directory could have our key sent to another host.
  const port = Number(new URL(address).port || 80);
  return urlOf({ host: server.host, port });
}

export function quickstartDirectory(workingDirectory: string): string {
  return join(workingDirectory, '.plumbline', 'quickstart');
}

/** The configuration file of the quick start that runs here; null when none does. */
export async function runningQuickstart(workingDirectory: string): Promise<string | null> {
  const directory = quickstartDirectory(workingDirectory);
  const owner = await directoryOwner(join(directory, 'data'));
  return owner === null ? null : join(directory, 'plumbline.yaml');
}
