/** Writes what a source holds for people: each prompt once, then what would be added where. */

import { targetsYaml } from '../config/edit-targets.ts';
import type { DiscoveryReport, FoundStatus } from './discovery-report.ts';
import { styled, table, type Output, type Style } from './output.ts';

const STYLE: Readonly<Record<FoundStatus, Style>> = {
  watched: 'dim',
  matched: 'green',
  edited: 'red',
  ambiguous: 'yellow',
  unregistered: 'red',
};

export function printDiscovery(report: DiscoveryReport, output: Output): void {
  const { source, environment, found, prompts, pins, notes } = report;
  if (found.length === 0) output.print(`${source} holds nothing that looks like a prompt.`);
  else {
    const rows = found.map(({ name, status, words }) => [name, styled(output, STYLE[status], status), words]);
    output.print(table(rows));
  }
  for (const note of notes) output.note(styled(output, 'dim', note));
  if (prompts.length > 0) {
    const rows = prompts.map(({ prompt, file }) => [`  ${prompt}`, file]);
    output.print(`\nNew prompts:\n${table(rows)}`);
  }
  const targets = found.flatMap(({ target }) => target ?? []);
  if (targets.length > 0) {
    const lines = targetsYaml(targets).trimEnd().replaceAll(/^/gm, '      ');
    output.print(`\nplumbline.yaml, below the source ${source}:\n    targets:\n${lines}`);
  }
  if (pins.length > 0) {
    const rows = pins.map(({ prompt, to }) => `  ${prompt} ${to.version}`);
    output.print(`\nPins in ${environment}, as each is live now:\n${rows.join('\n')}`);
  }
}

/** What `--json` prints. */
export function discoveryJson(
  { source, environment, found, prompts, pins, notes }: DiscoveryReport,
  written: readonly string[],
) {
  return {
    source,
    environment,
    found: found.map(({ name, status, prompt, version, words }) => ({ name, status, prompt, version, words })),
    prompts,
    targets: found.flatMap(({ target }) => target ?? []),
    pins,
    notes,
    written,
  };
}
