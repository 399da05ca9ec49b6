/** `init --source` over every source that can list what it holds: one mechanism, whatever the source needs and keeps. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { sourcePlugins } from '../../collectors/index.ts';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { discover } from '../../src/daemon/offline/discovery.ts';
import { starter } from '../../src/daemon/offline/starter.ts';
import { listSourceTypes } from '../../src/polling/open-sources.ts';
import { sourceFixtures } from '../support/sources/fixtures.ts';
import type { StandIn } from '../support/sources/stand-in.ts';

const PLUGINS = { sources: sourcePlugins, channels: CHANNEL_PLUGINS };
const fit = listSourceTypes(sourcePlugins).filter(({ powers }) => powers.includes('discover'));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** What a source can be told so that it lists what it holds. */
const MORE: Readonly<Record<string, object>> = { sql: { discover: 'SELECT name FROM prompts' } };

/** What a user would export and say so that a source leads to this stand-in. */
function toldOf(type: string, standIn: StandIn) {
  const plugin = sourcePlugins.find((candidate) => candidate.type === type);
  if (plugin === undefined) throw new Error(`There is no ${type}.`);
  const schema = z.toJSONSchema(plugin.config, { io: 'input', unrepresentable: 'any' });
  const example = plugin.example.config as Readonly<Record<string, unknown>>;
  const variables: Record<string, string> = {};
  const given: string[] = [];
  const config = { ...(standIn.config as Readonly<Record<string, unknown>>), ...MORE[type] };
  for (const [key, value] of Object.entries(config)) {
    const property = schema.properties?.[key] as { readonly secret?: boolean } | undefined;
    const reference = /^env:(\w+)$/.exec(String(example[key]))?.[1];
    if (reference !== undefined) variables[reference] = String(value);
    else if (property?.secret === true) {
      variables[`MY_${key.toUpperCase()}`] = String(value);
      given.push(`${key}=env:MY_${key.toUpperCase()}`);
    } else given.push(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  }
  return { variables, given };
}

async function look(file: string, type: string, variables: Readonly<Record<string, string>>, directory: string) {
  const loaded = loadConfiguration(file, PLUGINS, variables, directory);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { configuration } = loaded;
  return discover({ configuration, source: type, includesUnregistered: false, owner: 'team', check: () => [] });
}

describe.each(fit)('$type', ({ type, powers }) => {
  test('is watched, registered and pinned as it is, without a line written by hand', async () => {
    const fixture = sourceFixtures.find((candidate) => candidate.type === type);
    if (fixture === undefined) throw new Error(`${type} has no stand-in.`);
    const standIn = await fixture.open();
    const directory = mkdtempSync(join(tmpdir(), 'plumbline-starting-'));
    closing.push(standIn.close, () => rmSync(directory, { recursive: true, force: true }));
    const { variables, given } = toldOf(type, standIn);

    const { text, folder } = starter(type, given, variables);
    expect(folder).toBe(powers.includes('versions') ? null : './prompts');
    for (const secret of standIn.secrets) expect(text).not.toContain(secret);
    const file = join(directory, 'plumbline.yaml');
    writeFileSync(file, text);
    mkdirSync(join(directory, 'prompts'));

    const first = await look(file, type, variables, directory);
    const written = await first.write();
    expect(written).toContain(file);
    const targets = parse(readFileSync(file, 'utf8')).sources[0].targets as { readonly prompt: string }[];
    expect(targets.length).toBeGreaterThanOrEqual(standIn.targets.length);
    expect(new Set(targets.map(({ prompt }) => prompt)).size).toBe(targets.length);
    expect(existsSync(join(directory, 'prompts.lock.yaml'))).toBe(first.report.pins.length > 0);

    const again = await look(file, type, variables, directory);
    const open = again.report.found.filter(({ status }) => status !== 'watched' && status !== 'ambiguous');
    expect(open).toEqual([]);
    expect([again.report.prompts, again.report.pins]).toEqual([[], []]);
  });
});
