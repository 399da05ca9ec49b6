/** Dockerfile and docker-compose.yml, checked without a Docker daemon: what they name exists and agrees. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { sourcePlugins } from '../../collectors/index.ts';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { ConfigurationFile } from '../../src/config/schema.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** Instructions of a Dockerfile, continued lines joined, comments out; and where the last stage begins. */
function dockerfile(): { readonly all: readonly Instruction[]; readonly final: readonly Instruction[] } {
  const lines = read('Dockerfile')
    .split('\n')
    .filter((line) => !line.trim().startsWith('#'))
    .join('\n');
  const all = lines
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ word: line.slice(0, line.indexOf(' ')), rest: line.slice(line.indexOf(' ') + 1) }));
  return { all, final: all.slice(all.findLastIndex(({ word }) => word === 'FROM')) };
}

const docker = dockerfile();
const all = (word: string): readonly string[] =>
  docker.final.filter((line) => line.word === word).map((line) => line.rest);
const compose: any = parse(read('docker-compose.yml'));
const services = Object.entries<any>(compose.services);
const defaults = ConfigurationFile.parse({}).server;

test('the image runs without rights, keeps its data in a volume, and says whether it is well', () => {
  expect(all('USER')).toEqual(['1000:1000']);
  expect(all('VOLUME')).toEqual(['/data']);
  expect(all('EXPOSE')).toEqual([`${defaults.port} ${defaults.otlp_port} ${defaults.grpc_port}`]);
  const [check = ''] = all('HEALTHCHECK');
  expect(check).toContain(`http://127.0.0.1:${defaults.port}/healthz`);
  const command = JSON.parse(check.slice(check.indexOf('['))) as readonly string[];
  // It is a program that Node understands; with nobody there it says so by its exit code.
  expect(
    spawnSync(
      process.execPath,
      command.slice(1).map((part) => part.replace(/:\d+\//, ':9/')),
    ).status,
  ).toBe(1);
});

test('what is typed in a container is about its daemon: the command of alerts, the configuration and the data', () => {
  const variables = Object.fromEntries(
    all('ENV').flatMap((line) =>
      line.split(' ').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  );
  expect(variables).toMatchObject({ PLUMBLINE_CONFIG: '/config/plumbline.yaml', PLUMBLINE_DATA: all('VOLUME')[0] });
  expect(JSON.parse(all('CMD')[0] ?? '')).toEqual(['start']);
  expect(all('RUN').join(' ')).toContain('ln -s /app/bin/plumbline.mjs /usr/local/bin/plumbline');
});

test('its first process is one that cleans up after others, and it is installed', () => {
  const [first] = JSON.parse(all('ENTRYPOINT')[0] ?? '[]') as readonly string[];
  expect(first).toBe('tini');
  expect(all('RUN').join(' ').split(' ')).toContain('tini');
});

test('the image has the major version of Node that we need', () => {
  const major = /\d+/.exec(JSON.parse(read('package.json')).engines.node)?.[0];
  const images = docker.all.filter(({ word }) => word === 'FROM').map(({ rest }) => rest);
  expect(images).toHaveLength(2);
  expect(images.every((image) => image.startsWith(`node:${major}-`))).toBe(true);
});

test('what is copied exists, and what is started is copied', () => {
  const copies = docker.all.filter(({ word }) => word === 'COPY').map(({ rest }) => rest.split(' '));
  const sources = copies.flatMap((words) => words.slice(0, -1).filter((word) => !word.startsWith('--')));
  const made = new Set(['dist', 'node_modules']);
  const names = sources.map((source) => source.replace(/^\/app\//, ''));
  expect(names.filter((name) => !made.has(name) && !existsSync(join(ROOT, name)))).toEqual([]);
  const entry = (JSON.parse(all('ENTRYPOINT')[0] ?? '[]') as readonly string[]).at(-1) ?? '';
  expect(existsSync(join(ROOT, entry.replace('/app/', '')))).toBe(true);
  expect(names).toContain('bin');
  const ignored = read('.dockerignore').split('\n');
  expect(names.filter((name) => ignored.includes(name) && !made.has(name))).toEqual([]);
  expect(ignored).toEqual(expect.arrayContaining(['.git', '**/node_modules', '.env*']));
});

test.each(services)(
  'the service %s has a user without rights, a healthcheck and a volume of its own',
  (_name, service) => {
    expect(['node', 'clickhouse', 'redis']).toContain(service.user);
    expect(service.healthcheck ?? (service.build === '.' && all('HEALTHCHECK')[0])).toBeTruthy();
    const volumes = (service.volumes as readonly string[]).map((volume) => volume.split(':')[0] ?? '');
    const isThere = (volume: string): boolean =>
      volume.startsWith('.') ? existsSync(join(ROOT, volume)) : volume in compose.volumes;
    expect(volumes.filter((volume) => !isThere(volume))).toEqual([]);
    for (const [other, { condition }] of Object.entries<any>(service.depends_on ?? {})) {
      expect(compose.services[other].healthcheck).toBeDefined();
      expect(condition).toBe('service_healthy');
    }
  },
);

test('ports are open to this machine only, and are those of the image', () => {
  const ports = services.flatMap(([, service]) => (service.ports ?? []) as readonly string[]);
  expect(ports).toEqual((all('EXPOSE')[0] ?? '').split(' ').map((port) => `127.0.0.1:${port}:${port}`));
});

test('its configuration is valid with the environment that it sets, and that .env has to set', () => {
  const { environment } = compose.services.plumbline as { readonly environment: Record<string, string> };
  const asked = Object.values(environment).flatMap((value) => /\$\{(\w+)/.exec(value)?.[1] ?? []);
  const named = [...read('examples/compose/env.example').matchAll(/^(\w+)=/gm)].map((match) => match[1]);
  expect(new Set(named)).toEqual(new Set(asked));
  const variables = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.startsWith('$') ? 'a-secret-of-twenty-letters' : value,
    ]),
  );
  const plugins = { sources: sourcePlugins, channels: CHANNEL_PLUGINS };
  const loaded = loadConfiguration('examples/compose/plumbline.yaml', plugins, variables, ROOT);
  expect(loaded).toMatchObject({
    ok: true,
    configuration: {
      server: { host: '0.0.0.0' },
      store: { kind: 'server', url: 'http://clickhouse:8123', user: 'plumbline' },
      redisUrl: 'redis://redis:6379',
    },
  });
});

const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
test.skipIf(!hasCompose)('docker compose accepts it (needs the docker compose plugin)', () => {
  const env = { ...process.env, CLICKHOUSE_PASSWORD: 'x', PLUMBLINE_INGEST_KEY: 'x', PLUMBLINE_KEY: 'x' };
  const result = spawnSync('docker', ['compose', 'config', '--quiet'], { cwd: ROOT, env, encoding: 'utf8' });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
});
