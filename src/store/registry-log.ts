/** Every registered version as it was first seen, and every pin as it moved. */

import type { RegisteredVersion } from '../contract/prompt.ts';
import type { RegistryLog, TamperedVersion } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { sha256 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import { addMillis, CLOCKS_DIFFER_MS_MAX, millisBetween } from '../lib/time.ts';
import type { Trail } from './audit/trail.ts';
import type { Database } from './database.ts';
import { jsonLines } from './json-lines.ts';
import { createPinLog } from './pin-log.ts';
import { tamperedContents, versionIdentity } from './version-identity.ts';

const BATCH_ROWS_MAX = 2_000;
const LOOKUP_PROMPTS_MAX = 500;
// Versions known to be recorded and unchanged; about 200 bytes each.
const SETTLED_MAX = 200_000;

/** The registry of YAML files. */
const FILES = 'files';

interface Recorded {
  readonly prompt: string;
  readonly version: string;
  readonly registry: string;
  /** The first content that was seen, and since when. */
  readonly identity: string;
  readonly first_seen: Timestamp;
  /** Everything recorded up to now, content and metadata: what a clock that was ahead wrote is recorded again. */
  readonly documents: readonly string[];
}

interface Candidate {
  readonly version: RegisteredVersion;
  readonly key: string;
  readonly identity: string;
  readonly document: string;
  readonly documentHash: string;
}

export function createRegistryLog(database: Database, trail: Trail): RegistryLog {
  const settled = new Set<string>();
  const pins = createPinLog(database, trail);
  /** By this process; lost with it, and then an interval is wider. */
  let filesReadAt: Timestamp | null = null;
  let recordedAt: Timestamp | null = null;
  return {
    recordVersions: async (versions, at) => {
      if (recordedAt !== null && millisBetween(at, recordedAt) > CLOCKS_DIFFER_MS_MAX) settled.clear();
      recordedAt = at;
      const candidates = versions.map(toCandidate).filter((candidate) => !settled.has(settledKey(candidate)));
      const recorded = await readRecorded(database, [...new Set(candidates.map(({ version }) => version.prompt))], at);
      await appendNew({ database, trail }, candidates, recorded, at);
      const changed: Candidate[] = [];
      for (const candidate of candidates) {
        const first = recorded.get(candidate.key);
        if (first !== undefined && first.identity !== candidate.identity) changed.push(candidate);
        else if (settled.size < SETTLED_MAX) settled.add(settledKey(candidate));
      }
      const readAt = filesReadAt;
      const tampered = await describeTampered(database, changed, recorded);
      return tampered.map((version) => {
        // Of other registries nobody knows here when they were asked.
        const wasIntact = forget(settled, recorded.get(versionKey(version))) && version.registry === FILES;
        return wasIntact && readAt !== null && readAt > version.intactAt ? { ...version, intactAt: readAt } : version;
      });
    },
    recordPins: (snapshot, at, rules, lookedAt) => pins.record(snapshot, at, rules, lookedAt),
    readAgain: async (rules, lookedAt, at) => {
      filesReadAt = lookedAt;
      await pins.readAgain(rules, lookedAt, at);
    },
    versions: (prompt) => readVersions(database, prompt),
    recorded: async (prompt, version, hash) => {
      const [row] = await database.query<{ document: string }>(
        `SELECT document FROM registered_versions
         WHERE prompt = {prompt:String} AND version = {version:String} AND default_hash = {hash:String}
         ORDER BY recorded_at DESC LIMIT 1`,
        { prompt, version, hash },
      );
      return row === undefined ? null : (JSON.parse(row.document) as RegisteredVersion);
    },
  };
}

function toCandidate(version: RegisteredVersion): Candidate {
  const document = canonicalJson(version);
  return {
    version,
    key: versionKey(version),
    identity: versionIdentity(version),
    document,
    documentHash: sha256(document),
  };
}

function versionKey({ registry, prompt, version }: { registry: string; prompt: string; version: string }): string {
  return JSON.stringify([registry, prompt, version]);
}

function settledKey(candidate: Candidate): string {
  return `${candidate.key} ${candidate.documentHash}`;
}

/** True when one of these contents was settled: it is not any more. */
function forget(settled: Set<string>, recorded: Recorded | undefined): boolean {
  if (recorded === undefined) return false;
  const key = versionKey(recorded);
  return recorded.documents.filter((document) => settled.delete(`${key} ${document}`)).length > 0;
}

async function readRecorded(
  database: Database,
  prompts: readonly string[],
  at: Timestamp,
): Promise<Map<string, Recorded>> {
  const until = addMillis(at, CLOCKS_DIFFER_MS_MAX);
  const recorded = new Map<string, Recorded>();
  for (let start = 0; start < prompts.length; start += LOOKUP_PROMPTS_MAX) {
    const rows = await database.query<Recorded>(
      `SELECT prompt, version, registry, argMin(identity, recorded_at) AS identity,
         min(recorded_at) AS first_seen, groupUniqArrayIf(document_hash, recorded_at <= {until:DateTime64(9, 'UTC')}) AS documents
       FROM registered_versions WHERE prompt IN {prompts:Array(String)}
       GROUP BY prompt, version, registry`,
      { prompts: prompts.slice(start, start + LOOKUP_PROMPTS_MAX), until },
    );
    for (const row of rows) recorded.set(versionKey(row), row);
  }
  return recorded;
}

/** Also a changed content is recorded: it is the evidence. */
async function appendNew(
  { database, trail }: { readonly database: Database; readonly trail: Trail },
  candidates: readonly Candidate[],
  recorded: ReadonlyMap<string, Recorded>,
  at: Timestamp,
): Promise<void> {
  const fresh = candidates.filter(
    ({ key, documentHash }) => recorded.get(key)?.documents.includes(documentHash) !== true,
  );
  for (let start = 0; start < fresh.length; start += BATCH_ROWS_MAX) {
    const rows = fresh.slice(start, start + BATCH_ROWS_MAX).map(({ version, identity, document, documentHash }) => ({
      prompt: version.prompt,
      version: version.version,
      registry: version.registry,
      identity,
      default_hash: version.variants[0].hashes.strict,
      document_hash: documentHash,
      document,
      recorded_at: at,
    }));
    const lines = jsonLines(rows);
    await database.insertJsonLines('registered_versions', lines);
    trail.stored('version', rows);
  }
}

async function describeTampered(
  database: Database,
  changed: readonly Candidate[],
  recorded: ReadonlyMap<string, Recorded>,
): Promise<readonly TamperedVersion[]> {
  const tampered: TamperedVersion[] = [];
  for (const { version, key } of changed) {
    const first = recorded.get(key);
    const [row] = await database.query<{ document: string }>(
      `SELECT document FROM registered_versions
       WHERE prompt = {prompt:String} AND version = {version:String} AND registry = {registry:String}
         AND identity = {identity:String}
       ORDER BY recorded_at LIMIT 1`,
      { prompt: version.prompt, version: version.version, registry: version.registry, identity: first?.identity ?? '' },
    );
    if (first === undefined || row === undefined) continue;
    const [before, now] = tamperedContents(JSON.parse(row.document) as RegisteredVersion, version);
    tampered.push({
      prompt: version.prompt,
      version: version.version,
      registry: version.registry,
      firstSeen: { ...before, at: first.first_seen },
      intactAt: first.first_seen,
      now: { ...now, version },
    });
  }
  return tampered;
}

/** The content first seen, with the newest metadata that came with it. */
async function readVersions(database: Database, prompt: string | undefined): Promise<readonly RegisteredVersion[]> {
  const rows = await database.query<{ document: string }>(
    `SELECT argMax(document, recorded_at) AS document
     FROM registered_versions
     INNER JOIN (
       SELECT prompt, version, registry, argMin(identity, recorded_at) AS identity
       FROM registered_versions WHERE {prompt:String} = '' OR prompt = {prompt:String}
       GROUP BY prompt, version, registry
     ) AS first USING (prompt, version, registry, identity)
     WHERE {prompt:String} = '' OR prompt = {prompt:String}
     GROUP BY prompt, version, registry
     ORDER BY prompt, registry, min(recorded_at), length(version), version`,
    { prompt: prompt ?? '' },
  );
  return rows.map((row) => JSON.parse(row.document) as RegisteredVersion);
}
