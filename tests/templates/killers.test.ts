/**
 * Templates made to hurt: whoever may edit a prompt that is watched has his text read in the format of what is
 * registered. Each is answered, and with bounded work (a test that hangs fails by its timeout).
 */

import { describe, expect, it } from 'vitest';
import type { TemplateFormat } from '../../src/contract/prompt.ts';
import { createAttributor } from '../../src/attribution/index.ts';
import { otherReadings, parseTemplate } from '../../src/templates/index.ts';
import { version } from '../attribution/fixtures.ts';

const SPACES = ' '.repeat(200_000);
const doubled = (step: string): string => `{% set a = "x" %}${step.repeat(60)}{{ a }}`;

const KILLERS: readonly (readonly [what: string, format: TemplateFormat, text: string])[] = [
  ['a text that doubles', 'jinja2', doubled('{% set a = a ~ a %}')],
  ['a choice of itself and itself', 'jinja2', doubled('{% set a = a if b else a %}')],
  ['elements that are all the same', 'jinja2', doubled('{% set a = [a, a][b] %}')],
  [
    'a long text in many places',
    'jinja2',
    `{% set a %}${'x'.repeat(400_000)}{% endset %}${'{{ a }}{{ b }}'.repeat(4_500)}`,
  ],
  ['a sum of too many', 'jinja2', `{{ a${' + b'.repeat(25_000)} }}`],
  ['too many filters', 'jinja2', `{{ a${'|b'.repeat(50_000)} }}`],
  ['spaces in a statement', 'jinja2', `{% for a${SPACES}b in c %}{% endfor %}`],
  ['spaces in an expression', 'jinja2', `{{ a${SPACES}+ b }}`],
  ['spaces in a string', 'jinja2', `{{ "${SPACES}x" }}`],
  ['spaces before a tag that strips', 'jinja2', `${SPACES}x{%- if a %}y{% endif %}`],
  ['spaces in a tag', 'mustache', `{{ "${SPACES}x" }}`],
  ['spaces in a tag with other delimiters', 'mustache', `{{=<% %>=}}<% "${SPACES}x" %>`],
  ['sections in sections', 'mustache', '{{#a}}'.repeat(5_000) + '{{/a}}'.repeat(5_000)],
  ['blocks in blocks', 'handlebars', '{{#if a}}'.repeat(2_000) + '{{/if}}'.repeat(2_000)],
  ['tags beyond number', 'handlebars', '{{ a }} '.repeat(100_000)],
];

describe('killers', () => {
  it.each(KILLERS)('%s in %s', (_what, format, text) => {
    const parsed = parseTemplate(text, format);
    if (parsed.ok) otherReadings(text, format);
    expect(parsed.ok || parsed.message.endsWith('.')).toBe(true);
    const attributor = createAttributor();
    attributor.add(version('p', 1, text, { format }));
    expect(attributor.attribute({ text }).matches).toMatchObject([{ prompt: 'p', version: '1' }]);
  });

  it('spaces in a tag read as one does, and those in a string as they are', () => {
    const [one, many] = ['{{ a if b else "x  y" }}', `{{ a \n${' '.repeat(900)}if b  else\t"x  y" }}`];
    expect(parseTemplate(many, 'jinja2')).toEqual(parseTemplate(one, 'jinja2'));
  });

  it('spaces that a mustache tag ends with, and those of its text, are no harm', () => {
    expect(parseTemplate(`{{a${SPACES}}}${SPACES}{{b}}`, 'mustache')).toMatchObject({
      ok: true,
      template: { variables: ['a', 'b'] },
    });
  });
});
