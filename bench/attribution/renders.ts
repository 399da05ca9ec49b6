/** Texts to attribute: renders of templates with ordinary, and with adversarial, content in the variables. */

import type { TemplateNodes } from '../../src/templates/index.ts';
import type { Random } from './random.ts';

/** Makes up what fills one gap. */
export type Filler = (random: Random) => string;

const FILLER_WORDS = (
  'I ordered the blue one last week but it came broken and nobody answers my mail about the return so what can you do ' +
  'for me today because my sister needs it on Friday at the latest in Berlin or Lyon where she moved after her studies ' +
  'of medicine and music which took six years with a break in Peru number 4411 invoice 20-331 total 99.90 thanks Ana'
).split(' ');

/** Ordinary prose of about so many bytes. */
export function prose(bytesMean: number): Filler {
  return (random) => {
    const bytes = bytesMean * (0.4 + 1.2 * random.fraction());
    let text = '';
    while (text.length < bytes) text += `${random.pick(FILLER_WORDS)}${random.chance(0.1) ? '.\n' : ' '}`;
    return text.trim();
  };
}

/** Stuffed with pieces of registered literals, also of the template's own. */
export function adversarial(own: readonly string[], others: readonly string[]): Filler {
  return (random) => {
    const pieces = Array.from({ length: 1 + random.below(4) }, () => {
      const literal = random.pick(random.chance(0.5) && own.length > 0 ? own : others);
      const start = random.chance(0.6) ? 0 : random.below(literal.length);
      return literal.slice(start, start + 20 + random.below(200));
    });
    return random.chance(0.15) ? '' : pieces.join(random.chance(0.5) ? ' ' : '');
  };
}

/** A variable has one value wherever it is repeated, except in the turns of a loop. */
export function render(
  nodes: TemplateNodes,
  filler: Filler,
  random: Random,
  values = new Map<string, string>(),
): string {
  let text = '';
  for (const node of nodes) {
    if (node.kind === 'literal') {
      text += node.text;
    } else if (node.kind === 'gap') {
      const value = values.get(node.name) ?? filler(random);
      values.set(node.name, value);
      text += value;
    } else if (node.kind === 'choice') {
      text += render(random.pick(node.branches), filler, random, values);
    } else {
      for (let turns = random.below(4); turns > 0; turns -= 1) text += render(node.body, filler, random);
    }
  }
  return text;
}

export function gapCount(nodes: TemplateNodes): number {
  return nodes.reduce((sum, node) => {
    if (node.kind === 'gap') return sum + 1;
    if (node.kind === 'choice') return sum + Math.max(...node.branches.map(gapCount));
    return node.kind === 'repeat' ? sum + 2 * gapCount(node.body) : sum;
  }, 0);
}

export function literalsOf(nodes: TemplateNodes): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'literal') return [node.text];
    if (node.kind === 'choice') return node.branches.flatMap(literalsOf);
    return node.kind === 'repeat' ? literalsOf(node.body) : [];
  });
}
