/** Reads what filled the variables of prompts: each distinct text's once, joined with the calls that refer to it. */

import { UNREGISTERED_PREFIX } from '../../contract/traffic-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import type {
  CallsOfVersion,
  SampledCall,
  VariableFilter,
  VariableLog,
  VariableSet,
  VariableSummary,
  VariableUse,
} from '../../contract/variable-log.ts';
import type { Database } from '../database.ts';
import { startedBefore, startedSince } from './started.ts';

/** The hash of each counts in memory, a hundred bytes. */
const SETS_MAX = 500_000;
/** What a table shows of a value. */
const SHOWN_CHARACTERS = 300;
const NAMES_MAX = 200;
/** Of a busy half hour an edit shows when it has stood for a sixth of it: then twenty of these have it. */
const SAMPLE_CALLS = 128;
const HISTORY_CALLS = 256;
const GROUPS_MAX = 100;
const HASHES_PER_QUERY = 2_000;

export function createVariableLog(database: Database): VariableLog {
  return {
    summary: (filter, topMax) => summary(database, filter, topMax),
    countCalls: async (from, until) => {
      const [row] = await database.query<{ calls: string }>(
        `SELECT count() AS calls FROM invocations WHERE ${WITHIN}`,
        { from, to: until },
      );
      return Number(row?.calls ?? 0);
    },
    samples: (from, recentFrom, until) => samples(database, from, recentFrom, until),
    sampleOf: (calls, from, until) => sampleOf(database, calls, from, until),
    sets: (hashes) => sets(database, hashes),
  };
}

const WITHIN = `${startedSince('from')} AND ${startedBefore('to')}`;

interface UseRow {
  readonly name: string;
  readonly calls: number;
  readonly distinct: number;
  readonly kept: number;
  readonly sizes: readonly [min: number, p50: number, p95: number, max: number];
  readonly top: readonly (readonly [uses: number, value: string, kept: number])[];
}

async function summary(database: Database, filter: VariableFilter, topMax: number): Promise<VariableSummary> {
  const { from, to, ...columns } = filter;
  const given = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const parameters = { from, to, ...Object.fromEntries(given) };
  const calls = `FROM invocations FINAL WHERE ${WITHIN} AND is_deleted = 0
    ${given.map(([column]) => `AND ${column} = {${column}:String}`).join(' ')}`;
  const used = `SELECT variables_hash, count() AS uses ${calls} AND variables_hash != ''
    GROUP BY variables_hash ORDER BY uses DESC, variables_hash LIMIT ${SETS_MAX}`;
  const [totals] = await database.query<{ all: number; rendered: number; looked_at: number }>(
    `SELECT toFloat64(count()) AS all, toFloat64(countIf(variables_hash != '')) AS rendered,
       (SELECT toFloat64(sum(uses)) FROM (${used})) AS looked_at ${calls}`,
    parameters,
  );
  const rows = await database.query<UseRow>(
    `SELECT name, toFloat64(sum(first_uses)) AS calls, toFloat64(count()) AS distinct,
       max(is_kept) AS kept,
       [toFloat64(minIf(size, is_kept = 1)), toFloat64(quantileExactWeightedIf(0.5)(size, all_uses, is_kept = 1)),
        toFloat64(quantileExactWeightedIf(0.95)(size, all_uses, is_kept = 1)), toFloat64(maxIf(size, is_kept = 1))] AS sizes,
       groupArraySorted(${Math.floor(topMax)})((-toFloat64(all_uses), shown, is_kept)) AS top
     FROM (
       SELECT name, any(kept) AS is_kept, any(characters) AS size,
         any(leftUTF8(value, ${SHOWN_CHARACTERS})) AS shown,
         sum(uses) AS all_uses, sumIf(uses, nth = 1) AS first_uses
       FROM (
         SELECT hash, kept, name, value, characters, nth FROM call_variables FINAL
         ARRAY JOIN names AS name, values AS value, arrayEnumerateUniq(names) AS nth,
           if(kept = 1, characters, arrayResize(characters, length(names))) AS characters
         WHERE hash IN (SELECT variables_hash FROM (${used}))
       ) AS filled
       INNER JOIN (${used}) AS used ON filled.hash = used.variables_hash
       GROUP BY name, sipHash128(value), kept
     )
     GROUP BY name ORDER BY calls DESC, name LIMIT ${NAMES_MAX}`,
    parameters,
  );
  return {
    calls: totals?.all ?? 0,
    callsWithVariables: totals?.rendered ?? 0,
    callsLookedAt: totals?.looked_at ?? 0,
    variables: rows.map(toUse),
  };
}

function toUse({ name, calls, distinct, kept, sizes, top }: UseRow): VariableUse {
  const [min, p50, p95, max] = sizes;
  return {
    name,
    calls,
    distinct,
    characters: kept === 1 ? { min, p50, p95, max } : null,
    top: top.map(([uses, value, isKept]) => ({ value, kept: isKept === 1, calls: -uses })),
  };
}

type SampleTuple = readonly [order: string, instance: string, variables: string, at: string];

/** The calls with the smallest hashes are an even sample of the window that hardly changes as it moves on. */
const SAMPLED = '(cityHash64(trace_id, span_id), instance, variables_hash, started_at)';
/** What is no version of the registry holds a text that was seen live: nothing hides in that. */
const RENDERS = `is_deleted = 0 AND variables_hash != '' AND NOT startsWith(version, '${UNREGISTERED_PREFIX}')`;

async function samples(
  database: Database,
  from: Timestamp,
  recentFrom: Timestamp,
  until: Timestamp,
): Promise<readonly (CallsOfVersion & { readonly calls: readonly SampledCall[] })[]> {
  const rows = await database.query<CallsOfVersion & { readonly even: SampleTuple[]; readonly recent: SampleTuple[] }>(
    `SELECT environment, service, prompt, version,
       groupArraySorted(${SAMPLE_CALLS})(${SAMPLED}) AS even,
       groupArraySortedIf(${SAMPLE_CALLS})(${SAMPLED}, started_at >= {recentFrom:DateTime64(9, 'UTC')}) AS recent
     FROM invocations FINAL WHERE ${WITHIN} AND ${RENDERS}
     GROUP BY environment, service, prompt, version
     ORDER BY count() DESC, environment, service, prompt, version LIMIT ${GROUPS_MAX}`,
    { from, recentFrom, to: until },
  );
  return rows.map(({ environment, service, prompt, version, even, recent }) => {
    const known = new Set(even.map(([order]) => order));
    const all = [...even, ...recent.filter(([order]) => !known.has(order))];
    return { environment, service, prompt, version, calls: all.map(toSampled) };
  });
}

async function sampleOf(
  database: Database,
  { environment, service, prompt, version }: CallsOfVersion,
  from: Timestamp,
  until: Timestamp,
): Promise<readonly SampledCall[]> {
  const [row] = await database.query<{ readonly even: SampleTuple[] }>(
    `SELECT groupArraySorted(${HISTORY_CALLS})(${SAMPLED}) AS even
     FROM invocations FINAL WHERE ${WITHIN} AND ${RENDERS} AND environment = {environment:String}
       AND service = {service:String} AND prompt = {prompt:String} AND version = {version:String}`,
    { from, to: until, environment, service, prompt, version },
  );
  return row?.even.map(toSampled) ?? [];
}

function toSampled([, instance, variables, at]: SampleTuple): SampledCall {
  return { instance, variables, at: at as Timestamp };
}

interface SetRow {
  readonly hash: string;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly kept: number;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

async function sets(database: Database, hashes: readonly string[]): Promise<ReadonlyMap<string, VariableSet>> {
  const found = new Map<string, VariableSet>();
  const wanted = [...new Set(hashes)];
  for (let start = 0; start < wanted.length; start += HASHES_PER_QUERY) {
    const rows = await database.query<SetRow>(
      'SELECT hash, names, values, kept, starts, ends FROM call_variables WHERE hash IN {hashes:Array(String)} LIMIT 1 BY hash',
      { hashes: wanted.slice(start, start + HASHES_PER_QUERY) },
    );
    for (const { hash, names, values, kept, starts, ends } of rows) {
      found.set(hash, { names, values, isKept: kept === 1, startBytes: starts, endBytes: ends });
    }
  }
  return found;
}
