/** Prompts behind a commit tag in LangSmith. The tag is the pointer; restore moves it back to a commit. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type {
  LiveContent,
  Reading,
  RestoreRequest,
  Source,
  SourceContext,
  SourceTarget,
} from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { changedSince, isBefore, lookBack, nothingKnown, type IsKnown } from './lib/changed-since.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { promptFromManifest, type ManifestPrompt } from './lib/langchain-manifest.ts';
import { allPages } from './lib/pages.ts';
import { readEach } from './lib/read-each.ts';
import { registeredVersion } from './lib/registered.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { refuseRepetition, requireSharedSecret } from './lib/shared-secret.ts';
import { pushedJson, Replays } from './lib/signed-push.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.smith.langchain.com'),
  api_key: secret(),
  /** For keys that see several. */
  workspace_id: z.string().min(1).optional(),
  tag: z.string().min(1).default('production'),
  /** Sent along by the workspace's prompt webhook, which signs nothing: its header `Authorization: Bearer SECRET`. */
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  /** Handle of the prompt. Absent: the name it has here. */
  prompt_name: z.string().min(1).optional(),
  /** Whose it is; `-` is the workspace of the key. */
  owner: z.string().min(1).default('-'),
  tag: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const Repo = z.object({
  repo_handle: z.string(),
  last_commit_hash: z.string().nullish(),
  updated_at: z.string(),
  tags: z.array(z.string()).nullish(),
});
type Repo = z.output<typeof Repo>;
const Repos = z.object({ repos: z.array(Repo), total: z.int() });
const Commit = z.object({
  id: z.string(),
  commit_hash: z.string(),
  parent_commit_hash: z.string().nullish(),
  created_at: z.string().nullish(),
  full_name: z.string().nullish(),
});
type Commit = z.output<typeof Commit>;
const Commits = z.object({ commits: z.array(Commit), total: z.int().nullish() });
const Tags = z.array(z.object({ tag_name: z.string(), commit_hash: z.string(), updated_at: z.string().nullish() }));
const Content = z.object({ commit_hash: z.string(), manifest: z.unknown() });

const PAGE_SIZE = 100;

export const langsmith = sourcePlugin({
  type: 'langsmith',
  summary: 'The commit behind a tag in LangSmith.',
  config: Config,
  target: Target,
  example: {
    config: {
      api_key: 'env:LANGSMITH_API_KEY',
      tag: 'production',
      webhook_secret: 'env:LANGSMITH_WEBHOOK_SECRET',
    },
    targets: [{ prompt_name: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const place = new LangSmith(config, context);
    return {
      live: {
        read: (targets, known, signal) =>
          readEach(targets, signal, (target) => place.readOne(target, known.get(target.id), signal)),
      },
      versions: { list: (since, signal, isKnown = nothingKnown) => place.versions(since, isKnown, signal) },
      discover: { discover: (signal) => place.discover(signal) },
      restore: {
        form: 'pointer',
        comparesAndSets: false,
        restore: (target, request, signal) => place.restore(target, request, signal),
      },
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret) }),
    };
  },
});

class LangSmith {
  readonly #api: Api;
  readonly #config: Config;
  readonly #context: SourceContext;

  constructor(config: Config, context: SourceContext) {
    const workspace = config.workspace_id;
    this.#config = config;
    this.#context = context;
    const headers = {
      'x-api-key': config.api_key,
      ...(workspace === undefined ? {} : { 'x-tenant-id': workspace }),
    };
    const question = { query: { limit: 1 } };
    this.#api = new Api(context.fetch, config.base_url, headers, { besides: '/repos', question });
  }

  async readOne(target: SourceTarget<Target>, known: string | undefined, signal: AbortSignal): Promise<Reading> {
    const tag = target.config.tag ?? this.#config.tag;
    const tags = await this.#api.find(Tags, `/repos/${pathOf(target)}/tags`, { signal });
    const tagged = tags?.find((each) => each.tag_name === tag);
    if (tagged === undefined) {
      return { outcome: 'missing', target: target.id, reason: `${nameOf(target)} has no commit tag ${tag}.` };
    }
    const { commit_hash: hash } = tagged;
    // A commit never changes.
    if (known === hash) return { outcome: 'unchanged', target: target.id };
    const prompt = await this.#prompt(pathOf(target), hash, signal);
    if (prompt === null) throw new Fault('transient', `${nameOf(target)} has no commit ${hash} behind ${tag}.`);
    const commit = (await this.#commits(pathOf(target), signal)).find((each) => each.commit_hash === hash);
    const content: LiveContent = {
      body: prompt.body,
      ...(prompt.settings === undefined ? {} : { settings: prompt.settings }),
      pointer: { name: tag, value: hash },
      version: hash,
      // The tag's own time: it is when this commit went live, if the commit is older.
      ...editedAt(tagged.updated_at ?? commit?.created_at),
      ...(typeof commit?.full_name === 'string' ? { editedBy: commit.full_name } : {}),
    };
    return { outcome: 'held', target: target.id, contents: [content], cursor: hash };
  }

  async *versions(since: string | null, isKnown: IsKnown, signal: AbortSignal) {
    const from = lookBack(since);
    yield* changedSince(
      from,
      await this.#changed(from, signal),
      (repo) => repo.updated_at,
      (repo) => this.#versionsOf(repo, isKnown, signal),
    );
  }

  /** The list begins with what changed last, and is read no further than it has to. */
  async #changed(since: string | null, signal: AbortSignal): Promise<readonly Repo[]> {
    const changed: Repo[] = [];
    for await (const repo of this.#repos(signal)) {
      if (isBefore(repo.updated_at, since)) break;
      changed.push(repo);
    }
    return changed;
  }

  async *#versionsOf(repo: Repo, isKnown: IsKnown, signal: AbortSignal) {
    const { repo_handle: name, last_commit_hash: last } = repo;
    // A tag that moved changed the prompt as well.
    if (typeof last === 'string' && isKnown(name, last)) return;
    const path = `-/${encodeURIComponent(name)}`;
    const newestFirst: Commit[] = [];
    for await (const commit of this.#history(path, signal)) {
      // What is older was told before.
      if (isKnown(name, commit.commit_hash)) break;
      newestFirst.push(commit);
    }
    for (const commit of newestFirst.toReversed()) {
      const prompt = await this.#prompt(path, commit.commit_hash, signal);
      if (prompt !== null) yield this.#registered(repo, commit, prompt);
    }
  }

  #registered(repo: Repo, commit: Commit, prompt: ManifestPrompt) {
    return registeredVersion({
      prompt: repo.repo_handle,
      version: commit.commit_hash,
      parent: commit.parent_commit_hash ?? null,
      body: prompt.body,
      format: prompt.format,
      settings: prompt.settings,
      tags: repo.tags ?? [],
      author: commit.full_name ?? null,
      at: timeFrom(commit.created_at),
      registry: this.#context.name,
      url: `${this.#config.base_url}/commits/-/${repo.repo_handle}`,
    });
  }

  async *discover(signal: AbortSignal) {
    for await (const { repo_handle: name } of this.#repos(signal)) {
      const target = { prompt_name: name, owner: '-' };
      const reading = await this.readOne({ id: name, prompt: name, config: target }, undefined, signal);
      if (reading.outcome === 'held') yield { name, target, content: reading.contents[0] };
    }
  }

  restore(target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal): Promise<Reading> {
    const path = pathOf(target);
    const tag = target.config.tag ?? this.#config.tag;
    return rewrite(
      target.id,
      request,
      () => this.readOne(target, undefined, signal),
      async () => {
        const commits = await this.#commits(path, signal);
        const hashes = commits.map((commit) => commit.commit_hash);
        const wanted = await findVersion(request, hashes, async (hash) => {
          const prompt = await this.#prompt(path, hash, signal);
          return prompt === null ? null : { version: hash, body: prompt.body };
        });
        const commit = commits.find((each) => each.commit_hash === wanted);
        if (commit === undefined) throw noSuchVersion(target.id, request);
        const body = { commit_id: commit.id };
        await this.#api.get(z.unknown(), `/api/v1/repos/${path}/tags/${encodeURIComponent(tag)}`, {
          method: 'PATCH',
          body,
          signal,
        });
      },
    );
  }

  async #prompt(path: string, hash: string, signal: AbortSignal): Promise<ManifestPrompt | null> {
    const query = { include_model: true };
    const content = await this.#api.find(Content, `/commits/${path}/${encodeURIComponent(hash)}`, { query, signal });
    if (content === null) return null;
    const prompt = promptFromManifest(content.manifest);
    if (prompt === null) throw new Fault('permanent', `Commit ${hash} of ${path} holds no prompt that can be read.`);
    return prompt;
  }

  #commits(path: string, signal: AbortSignal): Promise<readonly Commit[]> {
    return Array.fromAsync(this.#history(path, signal));
  }

  /** Newest first. */
  #history(path: string, signal: AbortSignal): AsyncIterable<Commit> {
    return allPages<Commit>(this.#api.host, async (next) => {
      const offset = Number(next ?? 0);
      const query = { limit: PAGE_SIZE, offset };
      const { commits, total } = await this.#api.get(Commits, `/commits/${path}`, { query, signal });
      const end = offset + commits.length;
      return { items: commits, next: commits.length > 0 && end < (total ?? 0) ? end : null };
    });
  }

  /** What changed last comes first. */
  #repos(signal: AbortSignal): AsyncIterable<Repo> {
    return allPages<Repo>(this.#api.host, async (next) => {
      const offset = Number(next ?? 0);
      const query = { limit: PAGE_SIZE, offset, is_archived: false, sort_field: 'updated_at', sort_direction: 'desc' };
      const { repos, total } = await this.#api.get(Repos, '/repos', { query, signal });
      const end = offset + repos.length;
      return { items: repos, next: repos.length > 0 && end < total ? end : null };
    });
  }
}

function nameOf(target: SourceTarget<Target>): string {
  return target.config.prompt_name ?? target.prompt;
}

function pathOf(target: SourceTarget<Target>): string {
  return `${encodeURIComponent(target.config.owner)}/${encodeURIComponent(nameOf(target))}`;
}

/** `prompt_name` may have its owner in front. `created_at` is the commit's, so it says nothing about the push's age. */
const Push = z.object({ prompt_name: z.string() });

function webhook(sharedSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      requireSharedSecret(request, sharedSecret);
      refuseRepetition(request, replays);
      const push = Push.safeParse(pushedJson(request));
      const name = push.success ? push.data.prompt_name.split('/').at(-1) : undefined;
      return targets.filter((target) => nameOf(target) === name).map((target) => target.id);
    },
  };
}
