/** Components are filled in as the formats' own engines would do it. */

import Handlebars from 'handlebars';
import Mustache from 'mustache';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TemplateFormat } from '../../src/contract/prompt.ts';
import { blankIncludes, expandIncludes, findIncludes, includeSyntax } from '../../src/registry/includes.ts';

type Engine = (text: string, component: string) => string;
const DATA = { x: 'X' };
const mustache: Engine = (text, c) => Mustache.render(text, DATA, { c }, { escape: String });
const handlebars: Engine = (text, c) => {
  const engine = Handlebars.create();
  engine.registerPartial('c', c);
  return engine.compile(text, { noEscape: true })(DATA);
};

const component = fc
  .array(fc.constantFrom('one', '\n', '{{x}}', ' two', '\n  ', '\r\n'), { maxLength: 8 })
  .map((parts) => parts.join(''));
const line = fc.constantFrom('{{> c}}', '  {{> c}}', '\t{{>c}} ', 'a {{x}}', '', ' b', '{{! {{> c}}', '{{>c}}{{> c}}');
const text = fc.array(line, { minLength: 1, maxLength: 5 }).map((lines) => lines.join('\n'));
// A place inside a line: mustache.js indents what follows there, which the specification does not.
const inlineInMustache = /\S.*\{\{>|\{\{>.*\}\}.*\S/;

describe.each([
  ['mustache', mustache],
  ['handlebars', handlebars],
] as const)('%s', (format, engine) => {
  test('expanding and rendering is rendering with the partial', () => {
    fc.assert(
      fc.property(text, component, (template, source) => {
        fc.pre(format !== 'mustache' || !inlineInMustache.test(template) || !/[\n]/.test(source));
        // A comment is alone on its line, or not, by what stands before it after expansion.
        fc.pre(source.endsWith('\n') || !template.includes('{{!'));
        // Two tags on a line of their own are no standalone line to the specification; mustache.js eats its end.
        fc.pre(format !== 'mustache' || !/\}\}\{\{/.test(template));
        const expanded = expandIncludes(template, format, () => source);
        expect(engine(expanded, '')).toBe(engine(template, source));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('jinja2', () => {
  const expand = (template: string): string => expandIncludes(template, 'jinja2', (id) => `<${id}>\n`);

  test.each([
    ['a {% include "x" %} b', 'a <x> b'],
    ["a\n{%- include 'x.y-z/w' -%}\nb", 'a<x.y-z/w>b'],
    ['a {%+ include "x" ignore missing with context %}\nb', 'a <x>\nb'],
    ['{# {% include "x" %} #}', '{# {% include "x" %} #}'],
    ['{% raw %}{% include "x" %}{% endraw %}', '{% raw %}{% include "x" %}{% endraw %}'],
    ['{% include name %}', '{% include name %}'],
    ['{% include "x" without context %}', '{% include "x" without context %}'],
    ['  {%- include "x" -%}  {%- include "y" -%}  ', '<x><y>'],
  ])('%j', (template, expected) => {
    expect(expand(template)).toBe(expected);
  });
});

describe('formats without includes of their own', () => {
  test.each<[TemplateFormat, string, string]>([
    ['fstring', 'a\n{component:x}\n{y}', 'a\n<x>\n{y}'],
    ['fstring', '{{component:x}} {{{component:x}}}', '{{component:x}} {{<x>}}'],
    ['dollar', '${component:x}-$${component:x}', '<x>-$${component:x}'],
    ['plain', '{{component:x}} {{ component:x }} {component:x}', '<x> <x> {component:x}'],
  ])('%s %j', (format, template, expected) => {
    expect(expandIncludes(template, format, (id) => `<${id}>\n`)).toBe(expected);
  });
});

test.each<TemplateFormat>(['jinja2', 'mustache', 'handlebars', 'fstring', 'dollar', 'plain'])(
  '%s: what the message says to write is found, and blanking it moves nothing',
  (format) => {
    const template = `ab\n c ${includeSyntax(format, 'shared.safety-rules')} d\ne`;
    expect(findIncludes(template, format)).toMatchObject([{ id: 'shared.safety-rules', start: 6 }]);
    const blanked = blankIncludes(template, format);
    expect(blanked).toHaveLength(template.length);
    expect(blanked.replace(/ +/g, ' ')).toBe('ab\n c d\ne');
  },
);
