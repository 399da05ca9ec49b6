/** The index finds exactly what trying every pattern finds, whatever is in the registry and in the text. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../bench/attribution/random.ts';
import { edited, generatedHistories, versionsOf } from '../../bench/attribution/histories.ts';
import { adversarial, literalsOf, prose, render } from '../../bench/attribution/renders.ts';
import { Registrar } from '../../src/attribution/registrar.ts';
import { toByteString } from '../../src/attribution/byte-string.ts';
import { matches } from '../../src/attribution/indexed-pattern.ts';
import type { IndexedPattern } from '../../src/attribution/indexed-pattern.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { parseTemplate } from '../../src/templates/index.ts';
import type { TemplateNodes } from '../../src/templates/index.ts';
import { version } from './fixtures.ts';

/** What the index gives and brute force does not, or the other way round. */
function differences(registrar: Registrar, text: string): unknown[] {
  const { matcher } = registrar;
  matcher.prepare(text);
  const wanted = new Set(matcher.findAllByBruteForce(text).patterns);
  matcher.prepare(text);
  const all = new Set(matcher.findAll(text).patterns);
  matcher.prepare(text);
  const best = new Set(matcher.find(text).patterns);
  const differing = [...all.symmetricDifference(wanted), ...best.symmetricDifference(bestOf([...wanted]))];
  return differing.map(({ first, middleBytes, last }) => ({ text, blocks: [first, ...middleBytes, last] }));
}

function bestOf(patterns: readonly IndexedPattern[]): Set<IndexedPattern> {
  const most = Math.max(...patterns.map(({ literalBytes }) => literalBytes));
  const strongest = patterns.filter(({ literalBytes }) => literalBytes === most);
  const fewest = Math.min(...strongest.map(({ gaps }) => gaps));
  return new Set(strongest.filter(({ gaps }) => gaps === fewest));
}

function nodesOf(text: string): TemplateNodes {
  const parsed = parseTemplate(text, 'jinja2');
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.template.nodes;
}

function bodyOf({ variants: [{ body }] }: RegisteredVersion): string {
  return body.kind === 'text' ? body.text : '';
}

describe('the index equals brute force', () => {
  it.each([1, 2, 3])('on long histories and adversarial content, seed %i', (seed) => {
    const random = seededRandom(seed);
    const versions = versionsOf(generatedHistories(600, random));
    const registrar = new Registrar();
    // In several steps, so that groups are settled with members already in them.
    for (let start = 0; start < versions.length; start += 97) registrar.addAll(versions.slice(start, start + 97));
    const bodies = versions.map(bodyOf);
    const others = bodies.flatMap((body) => literalsOf(nodesOf(body))).filter((literal) => literal.length > 8);
    for (let round = 0; round < 250; round += 1) {
      const nodes = nodesOf(random.pick(bodies));
      const filler = random.chance(0.5) ? adversarial(literalsOf(nodes), others) : prose(60);
      expect(differences(registrar, render(nodes, filler, random))).toEqual([]);
    }
  });

  // All in one group, told apart by regions of every length, many of which several prompts share.
  it.each([4, 5])('on prompts that begin and end with a variable and share their rules, seed %i', (seed) => {
    const random = seededRandom(seed);
    const words = 'give the order of a customer back within three days but never tell who asked for it'.split(' ');
    const phrase = (count: number): string => Array.from({ length: count }, () => random.pick(words)).join(' ');
    const rules = Array.from({ length: 6 }, () => `${phrase(2 + random.below(20))}.\n`);
    const sources = Array.from({ length: 60 }, () => {
      const parts = Array.from({ length: 1 + random.below(4) }, () =>
        random.chance(0.5) ? random.pick(rules) : `${phrase(1 + random.below(12))}\n`,
      );
      return `{{a}}\n${parts.join(random.chance(0.5) ? '{{b}}' : '')}{{c}}`;
    });
    const registrar = new Registrar();
    const bodies: string[] = [];
    for (let number = 0; number < 5; number += 1) {
      registrar.addAll(sources.map((source, at) => version(`p${at}`, number, source)));
      bodies.push(...sources);
      for (const [at, source] of sources.entries()) sources[at] = edited(source, random);
    }
    const others = bodies.flatMap((body) => literalsOf(nodesOf(body))).filter((literal) => literal.length > 8);
    for (let round = 0; round < 300; round += 1) {
      const nodes = nodesOf(random.pick(bodies));
      const filler = random.chance(0.5) ? adversarial(literalsOf(nodes), others) : prose(60);
      expect(differences(registrar, render(nodes, filler, random))).toEqual([]);
    }
  });

  // Few letters and short pieces: literals overlap, repeat, and are each other's beginnings and ends.
  const piece = fc.oneof(
    fc
      .array(fc.constantFrom('a', 'b', ' ', '\n', 'ab', 'aaaaaaaa', 'abababababababababab', 'é'), { maxLength: 5 })
      .map((u) => u.join('')),
    fc.constantFrom('{{x}}', '{{y}}', '{% if c %}a{% endif %}', '{% for i in l %}b{{i}}{% endfor %}'),
  );
  const source = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
  const letters = fc.array(fc.constantFrom('a', 'b', ' ', '\n', 'ab', 'aaaaaaaa', 'abababababababababab', 'é', 'c'), {
    maxLength: 14,
  });

  it('on registries and texts of two letters', () => {
    fc.assert(
      fc.property(
        fc.array(source, { minLength: 1, maxLength: 40 }),
        fc.array(letters, { minLength: 5, maxLength: 5 }),
        (sources, texts) => {
          const registrar = new Registrar();
          registrar.addAll(sources.map((content, at) => version(`p${at % 6}`, at, content)));
          for (const units of texts) expect(differences(registrar, units.join(''))).toEqual([]);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('and what spares a pattern its program agrees with the program', () => {
    fc.assert(
      fc.property(
        fc.array(source, { minLength: 1, maxLength: 10 }),
        fc.array(letters, { minLength: 8, maxLength: 8 }),
        (sources, texts) => {
          const registrar = new Registrar();
          registrar.addAll(sources.map((content, at) => version('p', at, content)));
          const patterns = registrar.variants
            .ofPrompt('p')
            .flatMap(({ messages }) => messages.flatMap((message) => message.patterns));
          for (const units of texts) {
            const text = toByteString(units.join('').trim());
            const spared = patterns.filter((pattern) => matches(pattern, text));
            const checked = patterns.filter((pattern) => matches({ ...pattern, fillings: null }, text));
            expect(spared).toEqual(checked);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('after versions were removed', () => {
    const random = seededRandom(9);
    const versions = versionsOf(generatedHistories(200, random));
    const registrar = new Registrar();
    registrar.addAll(versions);
    for (const gone of versions.filter((_, at) => at % 3 === 0)) registrar.remove(gone.prompt, gone.version);
    const texts = versions.map((each) => render(nodesOf(bodyOf(each)), prose(40), random));
    for (const text of texts) expect(differences(registrar, text)).toEqual([]);
  });
});
