/**
 * Who may import whom: the architecture as a table, checked by `tests/tidy.test.ts`. A folder knows
 * only folders that stand above it, so that nothing calls back up; a new folder needs a line here.
 */

export interface Layer {
  readonly folder: string;
  /** What it may import beside itself. */
  readonly knows: readonly string[] | 'everything';
  /** No I/O, no clock, no chance: what goes in decides what comes out. */
  readonly pure?: true;
}

export const WORDS: readonly string[] = ['src/contract', 'src/lib', 'src/text'];

export const LAYERS: readonly Layer[] = [
  // The words, and what has no domain in it.
  { folder: 'src/contract', knows: [], pure: true },
  { folder: 'src/lib', knows: ['src/contract'] },
  { folder: 'src/text', knows: ['src/contract', 'src/lib'], pure: true },

  // Decisions: pure functions, in the order in which evidence flows through them.
  { folder: 'src/otlp', knows: WORDS, pure: true },
  { folder: 'src/dialects', knows: [...WORDS, 'src/otlp'], pure: true },
  { folder: 'src/invocations', knows: [...WORDS, 'src/dialects'], pure: true },
  { folder: 'src/pricing', knows: WORDS, pure: true },
  { folder: 'src/templates', knows: WORDS, pure: true },
  { folder: 'src/attribution', knows: [...WORDS, 'src/templates'], pure: true },
  { folder: 'src/drift', knows: [...WORDS, 'src/attribution'], pure: true },
  { folder: 'src/statistics', knows: WORDS, pure: true },
  { folder: 'src/timeline', knows: WORDS, pure: true },
  { folder: 'src/audit', knows: WORDS, pure: true },

  // Effects: each talks to one thing outside.
  { folder: 'src/registry', knows: [...WORDS, 'src/templates'] },
  { folder: 'src/store', knows: [...WORDS, 'src/audit', 'src/timeline'] },
  { folder: 'src/queue', knows: WORDS },
  { folder: 'src/polling', knows: WORDS },
  {
    folder: 'src/ingest',
    knows: [...WORDS, 'src/otlp', 'src/dialects', 'src/invocations', 'src/attribution', 'src/pricing'],
  },
  { folder: 'src/incidents', knows: [...WORDS, 'src/drift'] },
  { folder: 'src/alerting', knows: [...WORDS, 'src/drift', 'src/incidents'] },
  { folder: 'src/config', knows: WORDS },
  { folder: 'src/observability', knows: [...WORDS, 'src/config'] },

  // Plugins: a source or channel knows the contract and nothing of the daemon.
  { folder: 'collectors', knows: WORDS },
  { folder: 'collectors/otlp', knows: [...WORDS, 'src/otlp'] },
  { folder: 'src/channels', knows: WORDS },

  // Ways in for people and programs.
  { folder: 'src/http', knows: [...WORDS, 'src/audit'] },
  { folder: 'src/cli', knows: [...WORDS, 'src/audit', 'src/config', 'src/http'] },

  // The composition root: the only code that knows everybody.
  { folder: 'src/daemon', knows: 'everything' },
  { folder: 'src/app.ts', knows: 'everything' },
  { folder: 'src/main.ts', knows: ['src/app.ts', 'src/cli', 'src/config', 'src/lib'] },

  // Outside the daemon: they speak to it over the network only.
  { folder: 'dashboards', knows: [] },
  { folder: 'examples', knows: [] },
];

/** Packages that only one folder may import, so that it can be replaced there. */
export const OWNED_PACKAGES: readonly { readonly folder: string; readonly packages: RegExp }[] = [
  { folder: 'src/store', packages: /^(@clickhouse\/|chdb\b)/ },
  // `ioredis` is not its alone: the source `redis` reads prompts with it.
  { folder: 'src/queue', packages: /^bullmq\b/ },
  { folder: 'src/http', packages: /^@?fastify\b/ },
  { folder: 'src/cli', packages: /^commander$/ },
  { folder: 'src/channels', packages: /^(@slack\/|nodemailer\b)/ },
  { folder: 'collectors/otlp', packages: /^@grpc\// },
  { folder: 'src/pricing', packages: /^@pydantic\/genai-prices\b/ },
  { folder: 'src/observability', packages: /^(pino\b|@opentelemetry\/exporter-prometheus$)/ },
];

/** What pure folders may do all the same, each with its reason. */
export const IMPURE_ON_PURPOSE: Readonly<Record<string, string>> = {
  // The seed of a hash table, so that collisions can't be prepared; no answer depends on it.
  'src/attribution/text-probe.ts': 'uses Math.random',
  // Which release of the price list is installed, once, from its own manifest.
  'src/pricing/catalogue.ts': 'imports node:fs',
  // How far a text can be compressed, which is a fact about the text.
  'src/statistics/output-features.ts': 'imports node:zlib',
};

/** The longest folder of the table that holds the file; null when there is none. */
export function layerOf(file: string): Layer | null {
  const holding = LAYERS.filter(({ folder }) => file === folder || file.startsWith(`${folder}/`));
  return holding.toSorted((a, b) => b.folder.length - a.folder.length)[0] ?? null;
}
