/** A registered version to what the index needs: for each text of each variant its patterns, or why it has none. */

import type { PromptVariant } from '../contract/prompt.ts';
import { otherReadings, parseTemplate } from '../templates/index.ts';
import type { TemplateNodes } from '../templates/index.ts';
import { bodyMessages } from '../text/body.ts';
import { PLACEHOLDER } from '../text/roles.ts';
import { compileProgram } from './automaton.ts';
import type { Program } from './automaton.ts';
import type { LiteralPool } from './literal-search.ts';
import { compilePatterns } from './pattern.ts';
import type { LinearPattern } from './pattern.ts';

export interface CompiledMessage {
  readonly role: string;
  readonly content: string;
  /** None for a message that is only variables, and for one that could not be compiled. */
  readonly patterns: readonly LinearPattern[];
  /** It may render without any text of its own, as `{{input}}` does: any message, none or several may stand there. */
  readonly fitsAnything: boolean;
  /** Why only an equal hash can find it; null where it was compiled. */
  readonly problem: string | null;
}

export function compileVariant(variant: PromptVariant): CompiledMessage[] {
  return bodyMessages(variant.body).map(({ role, content }): CompiledMessage => {
    const anything = { role, content, patterns: [], fitsAnything: true };
    if (role === PLACEHOLDER) return { ...anything, problem: null };
    const parsed = parseTemplate(content, variant.format);
    // What its engine makes of it nobody can tell, so nothing that is sent can contradict it.
    if (!parsed.ok) {
      const problem = `Line ${parsed.line} is not valid ${variant.format}: ${parsed.message}`;
      return { ...anything, problem };
    }
    const { nodes, unpredictable } = parsed.template;
    if (unpredictable !== null) return { ...anything, problem: unpredictable };
    const all = patternsOf([nodes, ...otherReadings(content, variant.format)]);
    const patterns = all.filter(({ literalBytes }) => literalBytes > 0);
    return { role, content, patterns, fitsAnything: patterns.length < all.length, problem: null };
  });
}

/** The patterns of all readings, each language once; the first reading comes first. */
function patternsOf(readings: readonly TemplateNodes[]): LinearPattern[] {
  const seen = new Set<string>();
  const byBlocks = new Map<string, LinearPattern>();
  for (const nodes of readings) {
    const source = readings.length === 1 ? '' : JSON.stringify(nodes);
    if (seen.has(source)) continue;
    seen.add(source);
    for (const pattern of compilePatterns(nodes)) {
      // An inexact pattern of another reading has another check.
      const key = `${pattern.isExact ? 0 : seen.size}\0${pattern.blocks.join('\0\0')}`;
      if (!byBlocks.has(key)) byBlocks.set(key, pattern);
    }
  }
  return [...byBlocks.values()];
}

// The patterns of one template share the check.
const programs = new WeakMap<TemplateNodes, Program>();

/** The exact check of a pattern that accepts too much; null where none is needed. */
export function programOf({ isExact, nodes }: LinearPattern, pool: LiteralPool): Program | null {
  if (isExact) return null;
  const program = programs.get(nodes) ?? compileProgram(nodes, pool);
  programs.set(nodes, program);
  return program;
}
