/** `plumbline init`: a first configuration; with example files, or with what a source holds. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Fault } from '../../contract/fault.ts';
import { makeDirectory, notWritten, writeFiles } from '../../lib/files.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { needConfiguration, type CliContext } from '../context.ts';
import type { Discovery } from '../discovery-report.ts';
import { discoveryJson, printDiscovery } from '../print-discovery.ts';
import { styled } from '../output.ts';
import { listFlag, textFlag, type ExitCode, type Flags, type Verb } from '../verb.ts';

const HINT = 'Choose another directory, free some space, or run this as a user who may write there.';

export const init: Verb = {
  usage: 'init [directory]',
  summary: 'Write a first plumbline.yaml: with an example, or with what --source holds.',
  options: [
    ['--source <type>', 'start from a source whose keys are in the environment, e.g. langfuse'],
    ['--set <key=value>...', 'another key of that source; may be repeated'],
    ['--owner <owner>', 'who owns its prompts, where the source keeps no history that says so'],
    ['--force', 'overwrite what is there'],
  ],
  examples: [
    'init',
    'init ./ops/plumbline',
    'init --source langfuse',
    'init --source braintrust --set project=support --set environment_slug=production',
    'init --source elevenlabs --owner voice-team',
  ],
  run: async ([directory = '.'], flags, context) => {
    const type = textFlag(flags, 'source');
    try {
      return await (type === undefined
        ? writeExample(directory, flags, context)
        : startFrom(type, directory, flags, context));
    } catch (error) {
      throw notWritten(error, resolve(context.workingDirectory, directory), HINT) ?? error;
    }
  },
};

async function writeExample(directory: string, flags: Flags, context: CliContext): Promise<ExitCode> {
  const { output, command } = context;
  const base = resolve(context.workingDirectory, directory);
  refuseExisting(directory, Object.keys(FILES), flags, context);
  await writeFiles(new Map(Object.entries(FILES).map(([file, content]) => [resolve(base, file), content])));
  if (flags['json'] === true) {
    output.json({ directory: base, written: Object.keys(FILES) });
    return 0;
  }
  const config = configFlag(directory);
  for (const file of Object.keys(FILES)) printWritten(join(directory, file), context);
  output.print(
    [
      '',
      'Next:',
      `  ${command} lock${config}       pin the version that production should hold`,
      `  ${command} doctor${config}     check everything the configuration names`,
      `  ${command} start${config}      watch; then edit ${join(directory, 'live/greeting.txt')} and see`,
    ].join('\n'),
  );
  return 0;
}

/** The keys are in the environment; what is watched and pinned is found by looking. */
async function startFrom(type: string, directory: string, flags: Flags, context: CliContext): Promise<ExitCode> {
  const { output, command, toolbox, workingDirectory } = context;
  const base = resolve(workingDirectory, directory);
  const file = resolve(base, 'plumbline.yaml');
  const lockFile = resolve(base, 'prompts.lock.yaml');
  refuseExisting(directory, ['plumbline.yaml', 'prompts.lock.yaml'], flags, context);
  const { text, folder } = await toolbox.starter(type, listFlag(flags, 'set'));
  if (folder !== null && textFlag(flags, 'owner') === undefined) {
    throw new Fault('config', `A source of the type ${type} keeps no history: who owns its prompts?`, {
      hint: `Say it: --owner TEAM. What is live now is registered in ${folder} as version 1.`,
    });
  }
  const before = [file, lockFile].map((path) => [path, existsSync(path) ? readFileSync(path) : null] as const);
  // The first one that was not there, with what is made in it.
  const made = await makeDirectory(resolve(base, folder ?? '.'));
  const begin = async (): Promise<Discovery> => {
    await writeFiles(new Map([[file, text]]));
    // A lockfile of before would go on pinning what it pinned.
    rmSync(lockFile, { force: true });
    return discovered(type, file, flags, context);
  };
  const { report, write } = await begin().catch((error: unknown) => {
    // Half a configuration helps nobody: when the place does not answer, all is as it was.
    for (const [path, content] of before) {
      if (content === null) rmSync(path, { force: true });
      else writeFileSync(path, content);
    }
    if (made !== null) rmSync(made, { force: true, recursive: true });
    throw error;
  });
  const written = [...new Set([file, ...(await write())])].map((path) => relative(workingDirectory, path));
  if (flags['json'] === true) {
    output.json(discoveryJson(report, written));
    return 0;
  }
  printDiscovery(report, output);
  output.print('');
  for (const path of written) printWritten(path, context);
  const config = configFlag(directory);
  output.print(`\nNext:\n  ${command} start${config}      a verdict for each, and an alert when one drifts`);
  return 0;
}

async function discovered(type: string, file: string, flags: Flags, context: CliContext): Promise<Discovery> {
  const wishes = { all: false, owner: textFlag(flags, 'owner') ?? null };
  return context.toolbox.discover(await needConfiguration({ ...flags, config: file }, context), type, wishes);
}

function refuseExisting(directory: string, files: readonly string[], flags: Flags, context: CliContext): void {
  const paths = files.map((file) => join(directory, file));
  const existing = paths.filter((path) => existsSync(resolve(context.workingDirectory, path)));
  if (existing.length === 0 || flags['force'] === true) return;
  throw new Fault('config', `${existing.join(', ')} already ${existing.length === 1 ? 'exists' : 'exist'}.`, {
    hint: 'Choose another directory, or overwrite with --force.',
  });
}

function printWritten(file: string, { output }: CliContext): void {
  output.print(`${styled(output, 'green', 'wrote')}  ${file}`);
}

function configFlag(directory: string): string {
  return directory === '.' ? '' : ` --config ${shellWord(join(directory, 'plumbline.yaml'))}`;
}

const CONFIGURATION = `# Plumbline: what is registered, what is live, and who hears when they differ.
# \`plumbline doctor\` checks everything that is named here.

# Where registered versions come from: YAML files below this folder; with their Git history where
# the folder is in a repository.
registry:
  - files: ./prompts

# Which version each environment should hold. \`plumbline lock\` writes it.
lock: ./prompts.lock.yaml

# The embedded store. Or a ClickHouse server:
#   store: { url: "env:CLICKHOUSE_URL", user: plumbline, password: "env:CLICKHOUSE_PASSWORD" }
store: { path: ./data }

# Work runs in this process. To share it between several replicas:
#   queue: { redis: "env:REDIS_URL" }

# What is kept of prompts and answers: full, redacted or hash_only; also per environment:
#   content: { default: full, environments: { production: hash_only } }
content: full

# The places that are watched.
sources:
  - name: app-config
    type: files
    environment: production
    every: 10s
    targets:
      - { prompt: example.greeting, path: ./live/greeting.txt }

  # Any JSON API:
  # - name: prompt-api
  #   type: http-json
  #   environment: production
  #   every: 30s
  #   url: https://prompts.example.com/v1/prompts
  #   headers: { authorization: "env:PROMPT_API_TOKEN" }
  #   ...

# Where alerts go. Secrets come by reference: env:NAME or file:PATH.
channels:
  - { name: terminal, type: console }
  # - { name: oncall, type: slack, webhook_url: "env:SLACK_WEBHOOK_URL" }
  # - { name: pager, type: pagerduty, routing_key: "env:PAGERDUTY_ROUTING_KEY" }
  # - { name: anything, type: webhook, url: https://example.com/hook, secret: "file:/run/secrets/hook" }

# Who hears what. Without routes every channel gets everything.
# routes:
#   - { match: { environment: production }, channels: [oncall] }

# Without keys the daemon listens on this machine only. With keys it may listen elsewhere:
# server: { host: 0.0.0.0 }
# keys:
#   - { name: collector, scopes: [ingest], key: "env:PLUMBLINE_INGEST_KEY" }
#   - { name: people, scopes: [read, operate], key: "env:PLUMBLINE_KEY" }
`;

const PROMPT = `id: example.greeting
version: 1
owner: your-team
model: gpt-5-mini
tags: [example]
format: mustache
template: |
  You greet visitors of our shop in their language.
  Be brief and friendly. The visitor's name is {{name}}.
`;

const LIVE = `You greet visitors of our shop in their language.
Be brief and friendly. The visitor's name is {{name}}.
`;

const FILES: Readonly<Record<string, string>> = {
  'plumbline.yaml': CONFIGURATION,
  'prompts/example/greeting.yaml': PROMPT,
  'live/greeting.txt': LIVE,
};
