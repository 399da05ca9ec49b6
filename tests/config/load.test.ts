/** A configuration is right, or every problem in it is named at once with file, line and field. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfiguration, loadPlace, type LoadedConfiguration, type Plugins } from '../../src/config/load.ts';
import { channelPlugin } from '../../src/contract/channel.ts';
import { sourcePlugin } from '../../src/contract/source-plugin.ts';
import { formatProblem } from '../../src/lib/problems.ts';

const unused = (): never => {
  throw new Error('The loader opens nothing.');
};
const plugins: Plugins = {
  sources: [
    sourcePlugin({
      type: 'shelf',
      summary: '',
      config: z.strictObject({ token: z.string() }),
      target: z.strictObject({ slot: z.int() }),
      example: { config: {}, targets: [] },
      create: unused,
    }),
  ],
  channels: [
    channelPlugin({
      type: 'bell',
      summary: '',
      config: z.strictObject({ tone: z.string() }),
      example: {},
      create: unused,
    }),
  ],
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-config-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function load(yaml: string, variables: Record<string, string> = {}): LoadedConfiguration {
  writeFileSync(join(directory, 'plumbline.yaml'), yaml);
  return loadConfiguration('plumbline.yaml', plugins, variables, directory);
}

function problems(yaml: string, variables: Record<string, string> = {}): string[] {
  const loaded = load(yaml, variables);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

const GOOD = `
registry: [{ files: ./prompts }]
lock: ./prompts.lock.yaml
sources:
  - name: hall
    type: shelf
    environment: production
    every: 1m30s
    token: env:SHELF_TOKEN
    targets: [{ prompt: a.b, slot: 4 }]
channels: [{ name: door, type: bell, tone: "file:tone.txt" }]
routes: [{ match: { environment: production, verdict: edited }, channels: [door] }]
`;

describe('a right configuration', () => {
  test('is absolute in paths, in milliseconds, with secrets resolved and remembered', () => {
    writeFileSync(join(directory, 'tone.txt'), 'ding-dong\n');
    const loaded = load(GOOD, { SHELF_TOKEN: 'hunter2-hunter2' });
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
    const { configuration } = loaded;
    expect(configuration.registryDirectories).toEqual([join(directory, 'prompts')]);
    expect(configuration.store).toEqual({ kind: 'embedded', path: join(directory, 'data') });
    expect(configuration.sources).toEqual([
      {
        name: 'hall',
        type: 'shelf',
        environment: 'production',
        everyMs: 90_000,
        timeoutMs: 10_000,
        config: { token: 'hunter2-hunter2' },
        targets: [{ prompt: 'a.b', config: { slot: 4 } }],
      },
    ]);
    expect(configuration.channels).toEqual([{ name: 'door', type: 'bell', config: { tone: 'ding-dong' } }]);
    expect(configuration.routes[0]).toEqual({
      match: { environment: ['production'], verdict: ['edited'] },
      channels: ['door'],
    });
    expect(configuration.secrets).toEqual(['hunter2-hunter2', 'ding-dong']);
    expect(configuration.server).toMatchObject({ host: '127.0.0.1', port: 7070, otlpPort: 4318, grpcPort: 4317 });
  });

  test('may be empty', () => {
    const loaded = load('');
    expect(loaded.ok).toBe(true);
  });

  test('a secret may stand behind the scheme of a header', () => {
    const loaded = load(GOOD.replace('env:SHELF_TOKEN', 'Bearer env:SHELF_TOKEN').replace('"file:tone.txt"', 'x'), {
      SHELF_TOKEN: 'hunter2-hunter2',
    });
    if (!loaded.ok) throw new Error('unexpected');
    expect(loaded.configuration.sources[0]?.config).toEqual({ token: 'Bearer hunter2-hunter2' });
    expect(loaded.configuration.secrets).toEqual(['hunter2-hunter2']);
  });

  test('a variable may end with the newline of the file that it was made from', () => {
    const key = 'a-key-of-24-characters-x';
    const loaded = load('keys: [{ name: a, scopes: [read], key: "env:K" }]\n', { K: `${key}\n` });
    if (!loaded.ok) throw new Error('unexpected');
    expect(loaded.configuration.secrets).toEqual([key]);
    expect(problems('keys: [{ name: a, scopes: [read], key: "env:K" }]\n', { K: '\n' })).toEqual([
      expect.stringMatching(/names the environment variable K, which is empty\./),
    ]);
  });

  test('file URLs are no secrets', () => {
    const loaded = load(GOOD.replace('env:SHELF_TOKEN', 'file:///srv/shelf').replace('"file:tone.txt"', 'x'));
    if (!loaded.ok) throw new Error('unexpected');
    expect(loaded.configuration.sources[0]?.config).toEqual({ token: 'file:///srv/shelf' });
  });
});

describe('problems', () => {
  test('broken YAML names the line', () => {
    expect(problems('registry: [\nlock: x: y\n')[0]).toMatch(/^plumbline\.yaml:\d+:\d+/);
  });

  test('all at once, each with line and field', () => {
    const found = problems(`
registy: []
sources:
  - name: hall
    type: shelf
    environment: production
    every: often
    tokn: x
    targets: [{ prompt: a, slot: four }]
`);
    expect(found.join('\n')).toMatch(/plumbline\.yaml:2:\d+ registy: .*registry/);
    expect(found.join('\n')).toMatch(/plumbline\.yaml:7:\d+ sources\[0\]\.every: must be a duration/);
  });

  test("a plugin's own keys are checked with its schema, and located", () => {
    const found = problems(`
sources:
  - name: hall
    type: shelf
    environment: production
    tokn: x
    targets:
      - { prompt: a, slot: four }
`);
    expect(found).toHaveLength(3);
    expect(found.join('\n')).toMatch(/:3:\d+ sources\[0\]\.token: is required/);
    expect(found.join('\n')).toMatch(/:6:\d+ sources\[0\]\.tokn: /);
    expect(found.join('\n')).toMatch(/:8:\d+ sources\[0\]\.targets\[0\]\.slot: /);
  });

  test('an unknown type lists the known ones', () => {
    expect(problems('sources: [{ name: a, type: shelv, environment: p }]')[0]).toMatch(
      /no source type\. Did you mean shelf\? Known are shelf\./,
    );
  });

  test('a route to a channel that does not exist', () => {
    const found = problems('channels: [{ name: door, type: bell, tone: x }]\nroutes: [{ channels: [dor] }]');
    expect(found[0]).toMatch(
      /:2:\d+ routes\[0\]\.channels\[0\]: names the channel dor, which is not configured\. Did you mean door\?/,
    );
  });

  test('two sources with one name, two targets for one prompt', () => {
    const source =
      '{ name: a, type: shelf, environment: p, token: x, targets: [{ prompt: q, slot: 1 }, { prompt: q, slot: 2 }] }';
    const found = problems(`sources:\n  - ${source}\n  - ${source}\n`).join('\n');
    expect(found).toMatch(/:3:\d+ sources\[1\]\.name: /);
    expect(found).toMatch(/sources\[0\]\.targets\[1\]\.prompt: names q a second time/);
  });

  test('a secret that is not set names the variable, never a value', () => {
    expect(problems(GOOD)).toEqual([
      expect.stringMatching(
        /:9:\d+ sources\[0\]\.token: names the environment variable SHELF_TOKEN, which is not set\./,
      ),
      expect.stringMatching(/:11:\d+ channels\[0\]\.tone: names the file tone\.txt, which can't be read\./),
    ]);
  });

  test('a secret that is not there is told once, and not what stands in its place', () => {
    const entry = 'keys: [{ name: a, scopes: [read], key: "env:K" }]\nstore: { url: "env:C" }\n';
    expect(problems(entry, { K: '' })).toEqual([
      expect.stringMatching(/keys\[0\]\.key: names the environment variable K, which is empty\./),
      expect.stringMatching(/store\.url: names the environment variable C, which is not set\./),
    ]);
    expect(problems(entry, { K: 'k'.repeat(16), C: 'clickhouse' })).toEqual([
      expect.stringMatching(/store\.url: is no address such as https:\/\/host\/path\.$/),
    ]);
  });

  test('two servers on one port; an address of the page that no browser should follow', () => {
    expect(problems('server: { port: 4318 }')).toEqual([
      expect.stringMatching(/server\.otlp_port: is 4318, and so is server\.port\. Give each/),
    ]);
    expect(problems('server: { port: 0, otlp_port: 0, grpc_port: 0 }')).toEqual([]);
    expect(problems('server: { public_url: "javascript:alert(1)" }')).toHaveLength(1);
  });

  test('the limits of an interval, in its own units; one that is missing is required', () => {
    const source = '{ name: a, type: shelf, environment: p, every: 8d, token: x }';
    expect(problems(`sources: [${source}]\nretention: { calls: 5m }`)).toEqual([
      expect.stringMatching(/sources\[0\]\.every: must be between 1s and 7d\.$/),
      expect.stringMatching(/retention\.calls: must be between 1d and 36500d\.$/),
    ]);
    expect(problems('retention: {}')).toEqual([expect.stringMatching(/retention\.calls: is required\.$/)]);
  });

  test('a key that has its place in another form of the same is not called unknown', () => {
    const beside = 'can not stand beside the other keys here.';
    expect(problems('store: { path: x, url: "http://clickhouse:8123" }')).toEqual([expect.stringContaining(beside)]);
    const price = '{ model: m, input_usd_per_million: 1, output_usd_per_million: 2, public_price_times: 1 }';
    expect(problems(`prices: [${price}]`)).toEqual([
      expect.stringContaining(`prices[0].public_price_times: ${beside}`),
    ]);
  });

  test('where nothing says which form is meant, what each needs', () => {
    expect(problems('store: {}\nprices: [{ model: m }]')).toEqual([
      expect.stringMatching(/store: needs path, or url\.$/),
      expect.stringMatching(
        /prices\[0\]: needs input_usd_per_million and output_usd_per_million, or public_price_times\.$/,
      ),
    ]);
  });

  test('an interval without its unit', () => {
    expect(problems('sources: [{ name: a, type: shelf, environment: p, every: 30, token: x }]')).toEqual([
      expect.stringMatching(/sources\[0\]\.every: must be a duration such as 30s, 5m or 1h30m\.$/),
    ]);
  });

  test('another encoding than UTF-8 is a fault: it would name other files', () => {
    writeFileSync(join(directory, 'plumbline.yaml'), Buffer.from('lock: "\xe9"\n', 'latin1'));
    expect(() => loadConfiguration('plumbline.yaml', plugins, {}, directory)).toThrow(/is not UTF-8 text/);
  });

  test('a redaction rule that is no regular expression', () => {
    expect(problems('content: { redact: [{ name: card, pattern: "([0-9" }] }')[0]).toMatch(
      /content\.redact\[0\]\.pattern: is no regular expression that can be used/,
    );
  });

  test('a file that is not there is a fault with a hint', () => {
    expect(() => loadConfiguration('nowhere.yaml', plugins, {}, directory)).toThrow(
      expect.objectContaining({ kind: 'config', hint: expect.stringContaining('--config') }),
    );
  });
});

test('where the daemon listens is known without its secrets and whatever else is wrong', () => {
  writeFileSync(join(directory, 'plumbline.yaml'), `${GOOD}\nserver: { port: 7071 }\nsauces: []\n`);
  expect(loadPlace('plumbline.yaml', {}, directory)).toMatchObject({ ok: true, value: { server: { port: 7071 } } });
  writeFileSync(join(directory, 'plumbline.yaml'), 'server: { prot: 7071 }\n');
  const wrong = loadPlace('plumbline.yaml', {}, directory);
  expect(wrong.ok ? [] : wrong.problems.map(formatProblem)).toEqual([expect.stringMatching(/:1:11 server\.prot: /)]);
  writeFileSync(join(directory, 'plumbline.yaml'), '');
  expect(loadPlace('plumbline.yaml', {}, directory)).toMatchObject({ ok: true, value: { server: { port: 7070 } } });
});

test('what is wrong in one part hides nothing of the others', () => {
  const text = `
registri: []
sources:
  - { name: hall, type: shelff, environment: production, targets: [] }
  - { type: shelf, environment: production, token: t, targets: [] }
  - { name: attic, type: shelf, environment: production, token: t, evry: 5s, targets: [{ prompt: a, slot: one }] }
channels: [{ name: b, type: bel }]
`;
  expect(problems(text)).toEqual([
    'plumbline.yaml:2:1 registri: is not a known key. Did you mean registry?',
    'plumbline.yaml:4:19 sources[0].type: is shelff, which is no source type. Did you mean shelf? Known are shelf.',
    'plumbline.yaml:5:5 sources[1].name: is required.',
    'plumbline.yaml:6:68 sources[2].evry: is not a known key. Did you mean every?',
    'plumbline.yaml:6:101 sources[2].targets[0].slot: must be a number, not "one".',
    'plumbline.yaml:7:23 channels[0].type: is bel, which is no channel type. Did you mean bell? Known are bell.',
  ]);
});

test('entries may share what they have in common', () => {
  const loaded = load(
    `
x-shelf: &shelf { type: shelf, environment: production, every: 5s, token: env:TOKEN }
sources:
  - { <<: *shelf, name: hall, targets: [{ prompt: a, slot: 1 }] }
  - { <<: *shelf, name: attic, every: 7s, targets: [{ prompt: a, slot: 2 }] }
`,
    { TOKEN: 'correct-horse' },
  );
  expect(loaded.ok && loaded.configuration.sources).toMatchObject([
    { name: 'hall', everyMs: 5_000, config: { token: 'correct-horse' } },
    { name: 'attic', everyMs: 7_000 },
  ]);
});

test('a host that others can reach needs keys', () => {
  expect(problems('server: { host: 0.0.0.0 }')).toEqual([
    'plumbline.yaml:1:11 server.host: is 0.0.0.0, which others can reach, and no keys are configured. Add `keys:`, or bind to 127.0.0.1.',
  ]);
  expect(problems('server: { host: "::1" }')).toEqual([]);
});

test('a price that ends before it begins would hold for no call', () => {
  const price = (from: string, to: string): string =>
    `prices: [{ model: a, service_tier: flex, public_price_times: 0.5, valid_from: ${from}, valid_to: ${to} }]`;
  expect(problems(price('2026-11-01', '2026-10-31T23:00:00-01:00'))).toEqual([
    expect.stringContaining('prices[0].valid_to: is 2026-10-31T23:00:00-01:00, by when the price does not hold yet.'),
  ]);
  expect(problems(price('2026-11-01', '2026-11-01T00:00:01Z'))).toEqual([]);
});
