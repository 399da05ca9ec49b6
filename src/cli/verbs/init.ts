/** `plumbline init`: a commented configuration, a first registered prompt, and what to do next. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Fault } from '../../contract/fault.ts';
import { styled } from '../output.ts';
import type { Verb } from '../verb.ts';

export const init: Verb = {
  usage: 'init [directory]',
  summary: 'Write a commented plumbline.yaml, a first prompt and what it is compared with.',
  options: [['--force', 'overwrite what is there']],
  examples: ['init', 'init ./ops/plumbline'],
  run: async ([directory = '.'], flags, context) => {
    const { output } = context;
    const base = resolve(context.workingDirectory, directory);
    const existing = Object.keys(FILES).filter((file) => existsSync(resolve(base, file)));
    if (existing.length > 0 && flags['force'] !== true) {
      throw new Fault('config', `${existing.join(', ')} already ${existing.length === 1 ? 'exists' : 'exist'}.`, {
        hint: 'Choose another directory, or overwrite with --force.',
      });
    }
    for (const [file, content] of Object.entries(FILES)) {
      mkdirSync(dirname(resolve(base, file)), { recursive: true });
      writeFileSync(resolve(base, file), content);
    }
    const command = context.command;
    const config = directory === '.' ? '' : ` --config ${directory}/plumbline.yaml`;
    if (flags['json'] === true) output.print(JSON.stringify({ directory: base, written: Object.keys(FILES) }, null, 2));
    else {
      for (const file of Object.keys(FILES))
        output.print(`${styled(output, 'green', 'wrote')}  ${directory === '.' ? file : `${directory}/${file}`}`);
      output.print(
        [
          '',
          'Next:',
          `  ${command} lock${config}       pin the version that production should hold`,
          `  ${command} doctor${config}     check everything the configuration names`,
          `  ${command} start${config}      watch; then edit live/greeting.txt and see`,
        ].join('\n'),
      );
    }
    return 0;
  },
};

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
