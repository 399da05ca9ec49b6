/** What the documentation tells people to write and to type is understood. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { sourcePlugins } from '../collectors/index.ts';
import { CHANNEL_PLUGINS } from '../src/channels/index.ts';
import type { CliContext } from '../src/cli/context.ts';
import { runCommandLine } from '../src/cli/program.ts';
import { VERBS } from '../src/cli/verbs/index.ts';
import { loadConfiguration } from '../src/config/load.ts';
import { ConfigurationFile } from '../src/config/schema.ts';
import { API_ROUTES } from '../src/http/server.ts';
import { formatProblem } from '../src/lib/problems.ts';
import { readLockFile } from '../src/registry/lockfile.ts';
import { readPromptFile } from '../src/registry/prompt-file.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];
const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

interface Block {
  readonly where: string;
  readonly text: string;
}

function blocks(language: string): readonly Block[] {
  return PAGES.flatMap((page) => {
    const text = textOf(page);
    return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => ({
      where: `${page}:${text.slice(0, match.index).split('\n').length}`,
      text: match[1] ?? '',
    }));
  });
}

const CONFIGURATION_KEYS = Object.keys(ConfigurationFile.shape);

/** An excerpt names channels and sources of the part that it leaves out. */
function completed(file: any): object {
  const channels = (file.routes ?? []).flatMap((route: any) => route.channels);
  const sources = (file.registry ?? []).flatMap((entry: any) => entry.source ?? []);
  const langfuse = { type: 'langfuse', environment: 'production', public_key: 'pk-example', secret_key: 'sk-example' };
  return {
    ...(channels.length > 0 && { channels: channels.map((name: string) => ({ name, type: 'console' })) }),
    ...(sources.length > 0 && { sources: sources.map((name: string) => ({ name, ...langfuse })) }),
    ...file,
  };
}

const variables = new Proxy<Record<string, string>>(
  {},
  {
    get: (_target, name) => {
      if (name === 'REDIS_URL') return 'redis://redis.example.com:6379';
      if (name === 'SMTP_URL') return 'smtp://mail.example.com:587';
      if (name === 'PAGERDUTY_ROUTING_KEY') return 'R0123456789ABCDEFGHIJKLMNOPQRSTU';
      return String(name).endsWith('URL') ? 'https://example.com/x' : 'a-secret-of-twenty-letters';
    },
  },
);

function problemsOfConfiguration(text: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-documented-'));
  try {
    writeFileSync(
      join(directory, 'plumbline.yaml'),
      stringify(completed(parse(text.replaceAll(/file:\/[^"'\s]+/g, 'env:A_FILE')))),
    );
    const plugins = { sources: sourcePlugins, channels: CHANNEL_PLUGINS };
    const loaded = loadConfiguration('plumbline.yaml', plugins, variables, directory);
    return loaded.ok ? [] : loaded.problems.map(formatProblem);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function problemsOfPrompt(text: string): readonly string[] {
  const written = parse(text);
  const start = { id: 'a.prompt', version: 1, owner: 'somebody', model: 'gpt-5-mini', tags: [], format: 'mustache' };
  const rest = written.messages === undefined ? { template: 'Hello.' } : {};
  const whole = 'id' in written ? text : stringify({ ...start, ...rest, ...written });
  return readPromptFile(whole, 'prompt.yaml').problems.map(formatProblem);
}

const problemsOfLockFile = (text: string): readonly string[] =>
  readLockFile(text.replaceAll('sha256:…', `sha256:${'0'.repeat(64)}`), 'prompts.lock.yaml').problems.map(
    formatProblem,
  );

function problemsOf(text: string): readonly string[] {
  const keys = Object.keys(parse(text));
  if (keys.every((key) => CONFIGURATION_KEYS.includes(key))) return problemsOfConfiguration(text);
  return keys.includes('environments') ? problemsOfLockFile(text) : problemsOfPrompt(text);
}

test.each(blocks('yaml'))('the YAML at $where is valid', ({ text }) => {
  expect(problemsOf(text)).toEqual([]);
});

/** Every key below a schema, but for those of prices, which have a page of their own. */
function keysBelow(schema: any): readonly string[] {
  const branches = [...(schema.anyOf ?? []), schema.items, schema.additionalProperties].filter(
    (branch) => typeof branch === 'object',
  );
  const own = Object.entries<any>(schema.properties ?? {}).filter(([key]) => key !== 'prices');
  return [...own.flatMap(([key, value]) => [key, ...keysBelow(value)]), ...branches.flatMap(keysBelow)];
}

test('every key of plumbline.yaml is told about', () => {
  const keys = keysBelow(z.toJSONSchema(ConfigurationFile, { io: 'input', unrepresentable: 'any' }));
  expect(keys).toContain('grpc_port');
  const page = textOf('docs/configuration.md');
  expect([...new Set(keys)].filter((key) => !new RegExp(`\\b${key}\\b`).test(page))).toEqual([]);
  const ofPrices: any = z.toJSONSchema(ConfigurationFile.shape.prices, { io: 'input', unrepresentable: 'any' });
  const telemetry = textOf('docs/telemetry.md');
  const isPart = (key: string): boolean => telemetry.includes(`\`${key.replace('_usd_per_million', '')}\``);
  expect([...new Set(keysBelow(ofPrices))].filter((key) => !telemetry.includes(key) && !isPart(key))).toEqual([]);
});

const asked = PAGES.flatMap((page) =>
  [...textOf(page).matchAll(/^curl http:\/\/localhost:7070(\/\S*)(?: -H '[^']+')*(?: -d '([^']*)')?$/gm)].map(
    ([, address = '', body]) => ({ address, body, page }),
  ),
);

test('requests to the API are found in the pages', () => {
  expect(asked.length).toBe(PAGES.flatMap((page) => textOf(page).match(/^curl /gm) ?? []).length);
  expect(asked.length).toBeGreaterThan(0);
});

test.each(asked)('what $page asks of $address is understood', ({ address, body }) => {
  const route: any = API_ROUTES.find(
    ({ path, method }) => path === address && method === (body === undefined ? 'GET' : 'POST'),
  );
  expect(route?.body.safeParse(JSON.parse(body ?? '{}')).error).toBeUndefined();
});

const context = {
  output: { print: () => undefined, json: () => undefined, note: () => undefined, colour: false },
  version: '0.0.0',
  command: 'plumbline',
} as unknown as CliContext;
/** Takes the options that the verbs take, and does nothing. */
const idle = VERBS.map((verb) => ({ ...verb, run: async () => 0 as const }));

function wordsOf(line: string): readonly string[] {
  const words = line.match(/"[^"]*"|'[^']*'|[^\s]+/g) ?? [];
  const end = words.findIndex((word) => /^[#<>|&]/.test(word));
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replaceAll(/^["']|["']$/g, ''));
}

const typed = blocks('sh').flatMap(({ where, text }) =>
  text
    .split('\n')
    .map((line) => /^(?:npm run -s plumbline --|plumbline) (.*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => [line, where] as const),
);
/** `plumbline usage [PROMPT --compare 3,4]`: what is in brackets may be left out, and may be there. */
const told = PAGES.filter((page) => page !== 'docs/decisions.md').flatMap((page) =>
  [...textOf(page).matchAll(/`plumbline ([^`\n]+)`/g)].map(
    ([, line = '']) => [line.replaceAll(/[[\]]/g, ''), page] as const,
  ),
);
const examples = VERBS.flatMap((verb) => verb.examples.map((line) => [line, `the help of ${verb.usage}`] as const));

test.each([...typed, ...told, ...examples])('plumbline %s, as %s says, is understood', async (line) => {
  // A verb alone is its name and not a line.
  const words = wordsOf(line);
  expect(await runCommandLine(idle, words.length === 1 ? [...words, '--help'] : words, context)).toBe(0);
});

test('the walk through a source shows what is there', () => {
  const code = ['collectors/openai-agents.ts', 'collectors/index.ts'].map(textOf).join('\n');
  const lines = (text: string): readonly string[] => text.split('\n').map((line) => line.trim());
  const there = new Set(lines(code));
  const shown = blocks('ts').filter(({ where }) => where.startsWith('docs/adding-a-source.md:'));
  expect(shown.length).toBeGreaterThan(3);
  const wrong = shown.flatMap(({ where, text }) =>
    lines(text)
      .filter((line) => line !== '' && !line.includes('…') && !there.has(line))
      .map((line) => `${where}: ${line}`),
  );
  expect(wrong).toEqual([]);
});

test('examples of the help are lines to which the name of the binary is all that lacks', () => {
  expect(examples.filter(([line]) => line.includes('plumbline '))).toEqual([]);
});
