/** Entries of LaunchDarkly's audit log, as its API lists them and its webhooks push them: who changed what, and when. */

import { z } from 'zod';

export const AuditEntry = z.object({
  /** Milliseconds. */
  date: z.number(),
  member: z.object({ email: z.string().nullish() }).nullish(),
  token: z.object({ name: z.string().nullish() }).nullish(),
  app: z.object({ name: z.string().nullish() }).nullish(),
  target: z.object({ resources: z.array(z.string()).nullish() }).nullish(),
  accesses: z.array(z.object({ resource: z.string().nullish() })).nullish(),
});
export type AuditEntry = z.output<typeof AuditEntry>;

export interface AuditPlace {
  readonly project: string;
  readonly environment: string;
}

/** True when the entry is about what has this key: `proj/P:env/E:aiconfig/KEY;tag`, or for all environments without one. */
export function isAbout(entry: AuditEntry, { project, environment }: AuditPlace, key: string): boolean {
  const resources = [...(entry.target?.resources ?? []), ...(entry.accesses ?? []).map(({ resource }) => resource)];
  return resources.some((resource) => {
    const parts = (resource ?? '').split(';')[0]?.split(':') ?? [];
    const within = parts.find((part) => part.startsWith('env/')) ?? 'env/*';
    return (
      parts[0] === `proj/${project}` &&
      ['env/*', `env/${environment}`].includes(within) &&
      parts.at(-1)?.endsWith(`/${key}`) === true
    );
  });
}

/** The person, else the token or the application that acted. */
export function actorOf({ member, token, app }: AuditEntry): string | null {
  return member?.email ?? token?.name ?? app?.name ?? null;
}
