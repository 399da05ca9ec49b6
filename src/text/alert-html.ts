/**
 * An alert, or several that leave together, as HTML that mail programs show: tables and styles in place, nothing that is
 * loaded from elsewhere. Pure.
 */

import { type AlertStory, oneLine } from './alert-lines.ts';
import { type PlaceFacts, PLACES_MAX } from './group-facts.ts';
import { revealHidden } from './invisible.ts';
import { shortenDiff } from './shorten-diff.ts';

const DIFF_BYTES_MAX = 10_000;

const COLOURS = { critical: '#c0392b', warning: '#b9770e', info: '#21618c', good: '#1e8449' } as const;
const FONT = 'font-family:-apple-system,Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45';
const CODE = 'font-family:Menlo,Consolas,monospace;font-size:13px';
const ADDED = 'background:#e6f4ea;color:#0b5020';
const REMOVED = 'background:#fce8e6;color:#8b1a10';

export function alertHtml(story: AlertStory): string {
  const colour = COLOURS[story.tone];
  return [
    `<!doctype html><html><body style="${FONT};color:#1b1b1b">`,
    `<p style="margin:0 0 4px;color:${colour};font-weight:bold">${escaped(story.heading)}</p>`,
    `<p style="margin:0 0 12px;padding-left:10px;border-left:4px solid ${colour};font-size:16px">${escaped(story.summary)}</p>`,
    table(story.fields.map(({ label, value }) => [label, escaped(value)])),
    diffBlock(story.diff),
    ...story.places.slice(0, PLACES_MAX).map(placeBlock),
    story.places.length > PLACES_MAX ? `<p>… and ${story.places.length - PLACES_MAX} more</p>` : '',
    table([
      ...story.commands.map(({ label, command }) => [label, code(command)] as const),
      ...(story.url === null ? [] : [['Page', link(story.url, story.url)] as const]),
    ]),
    '</body></html>',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function table(rows: readonly (readonly [label: string, html: string])[]): string {
  const lines = rows.map(
    ([label, html]) =>
      `<tr><td style="padding:2px 16px 2px 0;color:#666;vertical-align:top;white-space:nowrap">${escaped(label)}</td><td style="padding:2px 0">${html}</td></tr>`,
  );
  return `<table style="border-collapse:collapse;margin:0 0 12px;${FONT}">\n${lines.join('\n')}\n</table>`;
}

function placeBlock({ where, words, diff, restoreCommand, incidentId, url }: PlaceFacts): string {
  const incident = `incident ${incidentId}`;
  const ways = [
    ...(restoreCommand === null ? [] : [code(restoreCommand)]),
    url === null ? escaped(incident) : link(url, incident),
  ];
  return `<p style="margin:0 0 8px"><b>${escaped(where)}</b>: ${escaped(words)}<br>${ways.join(' · ')}</p>${diffBlock(diff)}`;
}

function diffBlock(diff: string): string {
  if (diff === '') return '';
  const lines = shortenDiff(diff, DIFF_BYTES_MAX)
    .split('\n')
    .map((line, index) => {
      const shown = escapedLine(line);
      if (index < 2 || line.startsWith('@@')) return `<b>${shown}</b>`;
      if (line.startsWith('+')) return `<span style="${ADDED}">${shown}</span>`;
      return line.startsWith('-') ? `<span style="${REMOVED}">${shown}</span>` : shown;
    });
  return `<pre style="${CODE};margin:0 0 12px;padding:8px;background:#f6f6f6;white-space:pre-wrap">${lines.join('\n')}</pre>`;
}

function code(command: string): string {
  return `<code style="${CODE}">${escaped(command)}</code>`;
}

function link(url: string, words: string): string {
  return `<a href="${escaped(url)}">${escaped(words)}</a>`;
}

function escaped(text: string): string {
  return escapedLine(oneLine(text));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapedLine(line: string): string {
  return revealHidden(line).replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
