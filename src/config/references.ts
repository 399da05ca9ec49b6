/** What one part of `plumbline.yaml` says about another. Pure. */

import { boundedPattern } from '../lib/bounded-pattern.ts';
import { closest } from '../lib/closest.ts';
import { isLoopback } from '../lib/loopback.ts';
import { parseDay } from '../lib/time.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { ConfigurationFile } from './schema.ts';

export type Report = (at: YamlPath, message: string, hint?: string) => void;

/** Unique names and ports, routes to channels and registries of sources that exist, patterns that compile. */
export function checkReferences(file: ConfigurationFile, report: Report): void {
  for (const [key, entries] of [
    ['sources', file.sources],
    ['channels', file.channels],
    ['keys', file.keys],
  ] as const) {
    const seen = new Set<string>();
    entries.forEach((entry, index) => {
      if (seen.has(entry.name))
        report([key, index, 'name'], `is ${entry.name}, which another entry of ${key} has already.`);
      seen.add(entry.name);
    });
  }
  checkRegistrySources(file, report);
  checkPorts(file.server, report);
  checkHost(file, report);
  checkPrices(file, report);
  const channels = file.channels.map((channel) => channel.name);
  file.routes.forEach((route, index) => {
    route.channels.forEach((name, number) => {
      if (channels.includes(name)) return;
      const similar = closest(name, channels);
      report(
        ['routes', index, 'channels', number],
        `names the channel ${name}, which is not configured.`,
        similar === null ? undefined : `Did you mean ${similar}?`,
      );
    });
  });
  if (typeof file.content === 'string') return;
  file.content.redact.forEach((rule, index) => {
    try {
      boundedPattern(rule.pattern);
    } catch (error) {
      report(
        ['content', 'redact', index, 'pattern'],
        `is no regular expression that can be used: ${error instanceof Error ? error.message : String(error)}.`,
      );
    }
  });
}

function checkPorts(server: ConfigurationFile['server'], report: Report): void {
  const seen = new Map<number, string>();
  for (const key of ['port', 'otlp_port', 'grpc_port'] as const) {
    const other = seen.get(server[key]);
    if (other !== undefined && server[key] !== 0)
      report(['server', key], `is ${server[key]}, and so is server.${other}.`, 'Give each a port of its own.');
    seen.set(server[key], key);
  }
}

function checkHost({ server: { host }, keys }: ConfigurationFile, report: Report): void {
  if (keys.length > 0 || isLoopback(host)) return;
  report(
    ['server', 'host'],
    `is ${host}, which others can reach, and no keys are configured.`,
    'Add `keys:`, or bind to 127.0.0.1.',
  );
}

function checkPrices({ prices }: ConfigurationFile, report: Report): void {
  prices.forEach(({ valid_from: from, valid_to: to }, index) => {
    const [start, end] = [from, to].map((day) => (day === undefined ? null : parseDay(day)));
    if (start == null || end == null || start < end) return;
    report(
      ['prices', index, 'valid_to'],
      `is ${to}, by when the price does not hold yet.`,
      'It is the first moment after.',
    );
  });
}

function checkRegistrySources(file: ConfigurationFile, report: Report): void {
  const names = file.sources.map((source) => source.name);
  const seen = new Set<string>();
  file.registry.forEach(({ source }, index) => {
    if (source === undefined) return;
    const at = ['registry', index, 'source'];
    if (seen.has(source)) report(at, `names ${source} a second time.`);
    seen.add(source);
    if (names.includes(source)) return;
    const similar = closest(source, names);
    report(
      at,
      `names the source ${source}, which is not configured.`,
      similar === null ? 'Add it to `sources:`.' : `Did you mean ${similar}?`,
    );
  });
}
