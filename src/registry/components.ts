/**
 * Expands the components of versions into their texts, and answers which prompts a component
 * touches. A component is named with its version, so an expanded text never changes. Pure.
 */

import type { ComponentReference, PromptVariant, RegisteredVersion, TemplateFormat } from '../contract/prompt.ts';
import { canonicalJson } from '../lib/json.ts';
import { sha256 } from '../lib/hash.ts';
import { bodyBytes, bodyMessages, mapBody } from '../text/body.ts';
import { contentHashes } from '../text/hashes.ts';
import { versionKey, type PromptDraft } from './draft.ts';
import { expandIncludes, findIncludes, syntaxInPlainText } from './includes.ts';

/** Components that include components twice double at every level; no model reads this much. */
const EXPANDED_CHARACTERS_MAX = 4_000_000;

export type Expansion =
  | { readonly ok: true; readonly variants: readonly [PromptVariant, ...PromptVariant[]] }
  | { readonly ok: false; readonly reason: string };

type Source = { readonly ok: true; readonly text: string; readonly format: TemplateFormat } | Failure;
interface Failure {
  readonly ok: false;
  readonly reason: string;
}

/** Drafts live from load to load, and most include nothing: their hashes are computed once. */
const withoutComponents = new WeakMap<PromptDraft, Expansion>();

/**
 * `candidates` gives, for `id@version`, the contents that claimed to be it, first one first. The
 * first that can be expanded is the component.
 */
export class ComponentExpander {
  readonly #candidates: (key: string) => readonly PromptDraft[];
  readonly #sources = new Map<string, Source>();
  readonly #underway = new Set<string>();

  constructor(candidates: (key: string) => readonly PromptDraft[]) {
    this.#candidates = candidates;
  }

  /** The variants of a version with all components filled in, or why that can't be done. */
  expand(draft: PromptDraft): Expansion {
    const known = withoutComponents.get(draft);
    if (known !== undefined) return known;
    const expansion = this.#expand(draft);
    if (draft.components.length === 0) withoutComponents.set(draft, expansion);
    return expansion;
  }

  #expand(draft: PromptDraft): Expansion {
    const variants: PromptVariant[] = [];
    for (const { model, body, format, settings } of draft.variants) {
      const sources = new Map<string, string>();
      const placed = bodyMessages(body).flatMap(({ content }) => findIncludes(content, format).map(({ id }) => id));
      for (const id of new Set(placed)) {
        const source = this.#sourceFor(draft, id, format);
        if (!source.ok) return source;
        sources.set(id, source.text);
      }
      const added = placed.reduce((sum, id) => sum + (sources.get(id)?.length ?? 0), bodyBytes(body));
      if (added > EXPANDED_CHARACTERS_MAX) {
        return { ok: false, reason: `with its components it is longer than ${EXPANDED_CHARACTERS_MAX} characters` };
      }
      const expanded = mapBody(body, (text) => expandIncludes(text, format, (id) => sources.get(id) ?? ''));
      variants.push({ model, body: expanded, format, settings, hashes: contentHashes(expanded) });
    }
    const [first, ...rest] = variants;
    return first === undefined ? { ok: false, reason: 'it has no text' } : { ok: true, variants: [first, ...rest] };
  }

  #sourceFor(draft: PromptDraft, id: string, format: TemplateFormat): Source {
    const reference = draft.components.find((listed) => listed.id === id);
    if (reference === undefined) return { ok: false, reason: `it includes ${id}, which its components do not list` };
    const key = versionKey(id, reference.version);
    const source = this.#source(key);
    if (!source.ok) return source;
    const clash = formatClash(source, format);
    return clash === null ? source : { ok: false, reason: `${key} ${clash}` };
  }

  #source(key: string): Source {
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    if (this.#underway.has(key)) return { ok: false, reason: `${key} includes itself` };
    this.#underway.add(key);
    let found: Source = { ok: false, reason: `there is no component ${key}` };
    for (const draft of this.#candidates(key)) {
      if (!draft.isComponent) continue;
      const expansion = this.expand(draft);
      const body = expansion.ok ? expansion.variants[0].body : null;
      if (expansion.ok && body?.kind === 'text') {
        found = { ok: true, text: body.text, format: expansion.variants[0].format };
        break;
      }
      found = expansion.ok ? { ok: false, reason: `${key} has no single text` } : expansion;
    }
    this.#underway.delete(key);
    this.#sources.set(key, found);
    return found;
  }
}

/** Why a component of one format can't stand in a text of another, or null when it can. */
export function formatClash(
  component: { text: string; format: TemplateFormat },
  format: TemplateFormat,
): string | null {
  if (component.format === format) return null;
  if (component.format !== 'plain') return `is written in ${component.format}, the text that includes it in ${format}`;
  const special = syntaxInPlainText(component.text, format);
  if (special === null) return null;
  return `is plain text and holds ${special}, which means something in ${format}: give it format: ${format}`;
}

/** Everything that reaches the model, as one hash: texts, formats, models, parameters, tools. */
export function contentFingerprint(variants: readonly PromptVariant[]): string {
  return sha256(
    canonicalJson(variants.map(({ model, body, format, settings }) => ({ model, body, format, settings }))),
  );
}

/** A circle of components: `['a@1', 'b@2']` for a@1 → b@2 → a@1, beginning with the smallest name. */
export type Cycle = readonly string[];

/** Every circle once, found by walking the references in a fixed order. */
export function findCycles(references: ReadonlyMap<string, readonly string[]>): readonly Cycle[] {
  const cycles = new Map<string, Cycle>();
  const done = new Set<string>();
  for (const start of [...references.keys()].toSorted()) {
    if (done.has(start)) continue;
    // An explicit stack: a chain may be longer than the call stack is deep.
    const path = [start];
    const pending = [[...(references.get(start) ?? [])]];
    while (path.length > 0) {
      const next = pending.at(-1)?.shift();
      if (next === undefined) {
        done.add(path.pop() ?? '');
        pending.pop();
      } else if (path.includes(next)) {
        const cycle = rotate(path.slice(path.indexOf(next)));
        cycles.set(cycle.join('\n'), cycle);
      } else if (!done.has(next)) {
        path.push(next);
        pending.push([...(references.get(next) ?? [])]);
      }
    }
  }
  return [...cycles.values()];
}

function rotate(cycle: readonly string[]): Cycle {
  const smallest = cycle.indexOf(cycle.toSorted()[0] ?? '');
  return [...cycle.slice(smallest), ...cycle.slice(0, smallest)];
}

export interface TouchedPrompt {
  readonly prompt: string;
  readonly version: string;
  readonly isComponent: boolean;
  /** How it comes to hold the component: from what it lists itself down to the component. */
  readonly through: readonly ComponentReference[];
}

/**
 * All versions whose text holds the component (any version of it when `version` is left out),
 * directly or through other components. In the order of `versions`.
 */
export function touchedByComponent(
  versions: readonly RegisteredVersion[],
  component: { readonly id: string; readonly version?: string },
): readonly TouchedPrompt[] {
  const byKey = new Map(versions.map((version) => [versionKey(version.prompt, version.version), version]));
  const chains = new Map<string, readonly ComponentReference[] | null>();
  const chainFrom = (key: string): readonly ComponentReference[] | null => {
    const known = chains.get(key);
    if (known !== undefined) return known;
    // Also the answer while it is being looked for: a circle leads nowhere.
    chains.set(key, null);
    for (const reference of byKey.get(key)?.components ?? []) {
      const isIt = reference.id === component.id && (component.version ?? reference.version) === reference.version;
      const rest = isIt ? [] : chainFrom(versionKey(reference.id, reference.version));
      if (rest !== null) {
        chains.set(key, [reference, ...rest]);
        break;
      }
    }
    return chains.get(key) ?? null;
  };
  return versions.flatMap(({ prompt, version, isComponent }) => {
    const through = chainFrom(versionKey(prompt, version));
    return through === null ? [] : [{ prompt, version, isComponent, through }];
  });
}
