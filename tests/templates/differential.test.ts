/** Every render of every engine is one that our compiled form accepts: no false negatives, ever. */

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import fc from 'fast-check';
import Handlebars from 'handlebars';
import Mustache from 'mustache';
import nunjucks from 'nunjucks';
import { describe, expect, it } from 'vitest';

import { accepts, compileProgram } from '../../src/attribution/automaton.ts';
import { toByteString } from '../../src/attribution/byte-string.ts';
import { programOf } from '../../src/attribution/compile-version.ts';
import { indexedPattern, matches } from '../../src/attribution/indexed-pattern.ts';
import { LiteralPool } from '../../src/attribution/literal-search.ts';
import { compilePatterns } from '../../src/attribution/pattern.ts';
import type { TemplateFormat } from '../../src/contract/prompt.ts';
import { parseTemplate } from '../../src/templates/index.ts';
import { normaliseTransport } from '../../src/text/hashes.ts';
import { dollar, fstring, handlebars, jinja2, jinja2Only, mustache, values } from './random-template.ts';

const owner = { variant: 0, message: 0, name: { prompt: 'p', version: '1', model: 'm' } };

// Each template is rendered with several sets of values.
const TEMPLATES = 1_200;
const sets = fc.array(values, { minLength: 3, maxLength: 3 });

/** Throws with what went wrong; a template without any literal has nothing to compare. */
function expectAccepted(source: string, format: TemplateFormat, rendered: string): void {
  const parsed = parseTemplate(source, format);
  if (!parsed.ok) throw new Error(`${parsed.message} (line ${parsed.line})`);
  const forms = [rendered.trim(), normaliseTransport(rendered)].map(toByteString);
  const pool = new LiteralPool();
  const patterns = compilePatterns(parsed.template.nodes);
  if (patterns.length === 0) return;
  const isFound = patterns.some((pattern) => {
    const indexed = indexedPattern(pattern, programOf(pattern, pool), 0, owner, pool);
    return forms.some((bytes) => matches(indexed, bytes));
  });
  expect(isFound, `no pattern accepts ${JSON.stringify(rendered)}: ${JSON.stringify(patterns)}`).toBe(true);
  // The exact check must agree on whatever the engine printed, not only where a pattern asks for it.
  const programs = patterns.map((pattern) => compileProgram(pattern.nodes, pool));
  expect(programs.some((program) => forms.some((bytes) => accepts(program, bytes) !== 'no'))).toBe(true);
}

function renderWithHuggingFace(source: string, given: Readonly<Record<string, unknown>>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries(given)) environment.set(name, value);
  return String(new Interpreter(environment).run(parse(tokenize(source.replace(/\r\n?/g, '\n')))).value);
}

describe('renders of the real engines are accepted', () => {
  const plainNunjucks = new nunjucks.Environment(null, { autoescape: false });
  const escapingNunjucks = new nunjucks.Environment(null, { autoescape: true });

  it('nunjucks', () => {
    fc.assert(
      fc.property(jinja2, sets, fc.boolean(), (source, given, isEscaping) => {
        const compiled = nunjucks.compile(source, isEscaping ? escapingNunjucks : plainNunjucks);
        for (const set of given) expectAccepted(source, 'jinja2', compiled.render(set));
      }),
      { numRuns: TEMPLATES },
    );
  });

  it('Jinja2 as Hugging Face renders it', () => {
    fc.assert(
      fc.property(fc.oneof(jinja2, jinja2Only), sets, (source, given) => {
        for (const set of given) expectAccepted(source, 'jinja2', renderWithHuggingFace(source, set));
      }),
      { numRuns: TEMPLATES },
    );
  });

  it('Mustache', () => {
    fc.assert(
      fc.property(mustache, sets, fc.boolean(), (source, given, isEscaping) => {
        const options = isEscaping ? {} : { escape: String };
        for (const set of given) expectAccepted(source, 'mustache', Mustache.render(source, set, {}, options));
      }),
      { numRuns: TEMPLATES },
    );
  });

  it('Handlebars', () => {
    fc.assert(
      fc.property(handlebars, sets, fc.boolean(), (source, given, noEscape) => {
        const render = Handlebars.compile(source, { noEscape });
        for (const set of given) expectAccepted(source, 'handlebars', render(set));
      }),
      { numRuns: TEMPLATES },
    );
  });

  it("Python's format fields", () => {
    fc.assert(
      fc.property(fstring, ({ source, rendered }) => expectAccepted(source, 'fstring', rendered)),
      { numRuns: TEMPLATES * 3 },
    );
  });

  it('dollar and braces', () => {
    fc.assert(
      fc.property(dollar, ({ source, rendered }) => expectAccepted(source, 'dollar', rendered)),
      { numRuns: TEMPLATES * 3 },
    );
  });
});
