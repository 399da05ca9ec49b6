/**
 * Compares model, parameters and tools field by field. Only what both sides state is compared: a
 * field that one side does not mention is not known, which is not a difference. Pure.
 */

import type { Json, PromptSettings, PromptVariant } from '../contract/prompt.ts';
import { canonicalJson } from '../lib/json.ts';

export interface SettingsChange {
  /** `model`, `parameters.temperature`, `tools.search`. */
  readonly field: string;
  /** Null: the tool is not there on that side. */
  readonly expected: string | null;
  readonly observed: string | null;
}

export interface SettingsComparison {
  readonly changes: readonly SettingsChange[];
  /** Registered fields of which the source says nothing. */
  readonly notReported: readonly string[];
}

export function compareSettings(variant: PromptVariant, reported: PromptSettings): SettingsComparison {
  const parts = [
    compareModel(variant, reported),
    compareParameters(variant, reported),
    compareTools(variant, reported),
  ];
  return {
    changes: parts.flatMap((part) => part.changes),
    notReported: parts.flatMap((part) => part.notReported),
  };
}

/** The comparison as the lines of a diff. */
export function settingsHunk(changes: readonly SettingsChange[]): readonly string[] {
  if (changes.length === 0) return [];
  const lines = changes.flatMap((change) => [
    ...(change.expected === null ? [] : [`-${change.field}: ${change.expected}`]),
    ...(change.observed === null ? [] : [`+${change.field}: ${change.observed}`]),
  ]);
  return ['@@ settings @@', ...lines];
}

/**
 * True when two names can mean one model: case does not count, nor a provider that only one of them
 * names (`anthropic/claude-x`), and a name without a date is every dated snapshot of it.
 */
export function isSameModel(a: string, b: string): boolean {
  let [first, second] = [a, b].map((name) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[-@]latest$/, ''),
  ) as [string, string];
  const [firstBare, secondBare] = [withoutProvider(first), withoutProvider(second)];
  if (firstBare === first || secondBare === second) [first, second] = [firstBare, secondBare];
  if (first === second) return true;
  const [firstBase, secondBase] = [withoutSnapshot(first), withoutSnapshot(second)];
  return firstBase === secondBase && (firstBase === first || secondBase === second);
}

const NOTHING: SettingsComparison = { changes: [], notReported: [] };

function compareModel(variant: PromptVariant, reported: PromptSettings): SettingsComparison {
  const expected = variant.settings.model ?? variant.model;
  if (expected === '') return NOTHING;
  if (reported.model === undefined) return { changes: [], notReported: ['model'] };
  if (isSameModel(expected, reported.model)) return NOTHING;
  return { changes: [{ field: 'model', expected, observed: reported.model }], notReported: [] };
}

function compareParameters(variant: PromptVariant, reported: PromptSettings): SettingsComparison {
  const changes: SettingsChange[] = [];
  const notReported: string[] = [];
  for (const [name, expected] of Object.entries(variant.settings.parameters ?? {})) {
    const observed = reported.parameters?.[name];
    const path = `parameters.${name}`;
    if (observed === undefined) notReported.push(path);
    else if (!isSameValue(expected, observed)) {
      changes.push({ field: path, expected: canonicalJson(expected), observed: canonicalJson(observed) });
    }
  }
  return { changes, notReported };
}

function compareTools(variant: PromptVariant, reported: PromptSettings): SettingsComparison {
  const { tools } = variant.settings;
  if (tools === undefined) return NOTHING;
  if (reported.tools === undefined) return { changes: [], notReported: ['tools'] };
  const [expected, observed] = [toolsByName(tools), toolsByName(reported.tools)];
  const changes: SettingsChange[] = [];
  for (const name of new Set([...expected.keys(), ...observed.keys()])) {
    const change = {
      field: `tools.${name}`,
      expected: expected.get(name) ?? null,
      observed: observed.get(name) ?? null,
    };
    if (change.expected !== change.observed) changes.push(change);
  }
  return { changes, notReported: [] };
}

/** Tools keyed by name, in the places where the providers put it; a tool without a name is its own key. */
function toolsByName(tools: readonly Json[]): ReadonlyMap<string, string> {
  return new Map(
    tools.map((tool, index) => {
      const own = field(tool, 'name') ?? field(field(tool, 'function'), 'name') ?? field(tool, 'type');
      return [typeof own === 'string' ? own : String(index), canonicalJson(tool)];
    }),
  );
}

function field(value: Json | undefined, name: string): Json | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  return (value as { readonly [key: string]: Json })[name];
}

/** Config maps and environment variables hold `"0.2"` where a registry holds `0.2`. */
function isSameValue(a: Json, b: Json): boolean {
  if (canonicalJson(a) === canonicalJson(b)) return true;
  const [first, second] = [scalarText(a), scalarText(b)];
  if (first === null || second === null || typeof a === typeof b) return false;
  return first === second || (first !== '' && second !== '' && Number(first) === Number(second));
}

function scalarText(value: Json): string | null {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? `${value}` : null;
}

const PROVIDER = /^(openai|anthropic|google|azure|bedrock|vertex_ai|mistral|groq|cohere):(?=.)|^.*\//;

function withoutProvider(name: string): string {
  return name.replace(PROVIDER, '');
}

function withoutSnapshot(name: string): string {
  return name.replace(/[-@](\d{8}|\d{4}-\d{2}-\d{2})$/, '');
}
