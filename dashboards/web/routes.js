// @ts-check
/** Which address is which view. `src/http/web.ts` serves the page at the same addresses. */

import { openAt } from './views/at.js';
import { openIncident } from './views/incident.js';
import { openIncidents } from './views/incidents.js';
import { openOverview } from './views/overview.js';
import { openPrompt } from './views/prompt.js';
import { openPrompts } from './views/prompts.js';
import { openSql } from './views/sql.js';
import { openUsage } from './views/usage.js';

/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').View<any>} AnyView */
/** @typedef {{ name: string, pattern: RegExp, open: (context: Context) => AnyView }} Route */

/** `name`: the entry of the navigation that is lit. @type {readonly Route[]} */
const ROUTES = [
  { name: 'overview', pattern: /^$/, open: openOverview },
  { name: 'incidents', pattern: /^incidents$/, open: openIncidents },
  { name: 'incidents', pattern: /^incidents\/([^/]+)$/, open: openIncident },
  { name: 'prompts', pattern: /^prompts$/, open: openPrompts },
  { name: 'prompts', pattern: /^prompts\/([^/]+)$/, open: openPrompt },
  { name: 'at', pattern: /^at$/, open: openAt },
  { name: 'usage', pattern: /^usage$/, open: openUsage },
  { name: 'sql', pattern: /^sql$/, open: openSql },
];

/**
 * @param {string} path Below where the page is served, without a slash before it.
 * @returns {{ route: Route, id: string } | null}
 */
export function findRoute(path) {
  for (const route of ROUTES) {
    const match = route.pattern.exec(path.replace(/\/$/, ''));
    if (match !== null) return { route, id: decodeURIComponent(match[1] ?? '') };
  }
  return null;
}
