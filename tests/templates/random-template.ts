/** Random templates in the syntax of each engine, with values: what the differential tests are fed with. */

import fc from 'fast-check';

// White space, brackets and quotes are what parsers get wrong; the letters are few so that literals repeat.
const LITERAL_UNITS = [
  'a',
  'b',
  'You are ',
  'é',
  '\n',
  '\n\n',
  ' ',
  '\t',
  '"',
  "'",
  '<',
  '&',
  '%',
  '#',
  '-',
  '.',
  '\r\n',
];

export const literalText = fc
  .array(fc.constantFrom(...LITERAL_UNITS), { minLength: 0, maxLength: 6 })
  .map((units) => units.join(''));

const valueText = fc.oneof(
  literalText,
  fc.constantFrom('', ' ', '\n', '{{ name }}', '{% if x %}', 'You are a', '-\n- ', 'e\u0301', '😀', '}}'),
);

export const values = fc.record({
  name: valueText,
  question: valueText,
  context: valueText,
  items: fc.array(valueText, { maxLength: 4 }),
  flag: fc.boolean(),
  user: fc.record({ name: valueText, admin: fc.boolean() }),
});

type Syntax = (inner: fc.Arbitrary<string>) => fc.Arbitrary<string>[];

function template(atoms: readonly fc.Arbitrary<string>[], blocks: Syntax): fc.Arbitrary<string> {
  const { body } = fc.letrec<{ body: string; part: string }>((tie) => ({
    part: fc.oneof({ depthSize: 'small' }, literalText, ...atoms, ...blocks(tie('body'))),
    body: fc.array(tie('part'), { maxLength: 5 }).map((parts) => parts.join('')),
  }));
  return body;
}

const sign = fc.constantFrom('', '', '-');
const printedName = fc.constantFrom('name', 'question', 'context', 'user.name');
const condition = fc.constantFrom('flag', 'user.admin', 'not flag', 'name', 'items');

const JINJA2_EXPRESSIONS = [
  'name',
  'question',
  'user.name',
  'name | upper',
  'name | trim',
  '"a" ~ name',
  'name + "b"',
  '"x" if flag else "y"',
  '"yes" if flag',
  '["No", "Yes"][1]',
  '"lit }} eral"',
  "'it\\'s'",
  '42',
  'items | join(", ")',
  'items | length',
];

/** What nunjucks, Hugging Face's engine and Jinja2 itself all read. */
export const jinja2 = template(
  [
    fc.tuple(sign, fc.constantFrom(...JINJA2_EXPRESSIONS), sign).map(([a, e, b]) => `{{${a} ${e} ${b}}}`),
    literalText.map((text) => `{# ${text.replaceAll('#', '')} #}`),
    fc
      .tuple(sign, literalText, sign)
      .map(([a, text, b]) => `{%${a} set x = "${text.replace(/["\\\r]/g, '')}" ${b}%}{{ x }}`),
  ],
  (inner) => [
    fc
      .tuple(sign, condition, sign, inner, sign)
      .map(([a, c, b, body, d]) => `{%${a} if ${c} ${b}%}${body}{%${d} endif %}`),
    fc
      .tuple(condition, inner, sign, inner, sign)
      .map(([c, body, a, other, b]) => `{% if ${c} %}${body}{%${a} else ${b}%}${other}{% endif %}`),
    fc
      .tuple(condition, inner, condition, inner)
      .map(([c, body, d, other]) => `{% if ${c} %}${body}{% elif ${d} %}${other}{% endif %}`),
    fc
      .tuple(sign, inner, sign, sign)
      .map(([a, body, b, c]) => `{% for item in items ${a}%}${body}{{ item }}{%${b} endfor ${c}%}`),
    fc.tuple(inner, inner).map(([body, other]) => `{% for item in items %}${body}{% else %}${other}{% endfor %}`),
    inner.map((body) => `{% set block %}${body}{% endset %}{{ block }}`),
  ],
);

/** What only Jinja2's own rules allow; nunjucks does not know these. */
export const jinja2Only = template(
  [
    fc.tuple(sign, printedName, sign).map(([a, e, b]) => `{{${a} ${e} ${b}}}`),
    fc.tuple(sign, literalText, sign).map(([a, text, b]) => `{#${a} ${text.replaceAll('#', '')} ${b}#}`),
    fc.constantFrom('{{ {"a": {"b": "c"}}["a"]["b"] }}', '{{ items[0:1] }}', '{{ ("a", "b")[0] }}'),
  ],
  (inner) => [
    fc.tuple(sign, inner, sign).map(([a, body, b]) => `{%${a} for i in items if i %}${body}{{ i }}{%- endfor ${b}%}`),
    fc.tuple(sign, condition, inner).map(([a, c, body]) => `{%${a} if ${c} is defined %}${body}{% endif %}`),
  ],
);

export const mustache = template(
  [
    printedName.map((name) => `{{${name}}}`),
    printedName.map((name) => `{{{ ${name} }}}`),
    printedName.map((name) => `{{& ${name}}}`),
    literalText.map((text) => `{{! ${text.replaceAll('}', '')} }}`),
    fc.constant('{{> missing}}'),
    fc.constant('{{=<% %>=}}<% name %><%={{ }}=%>'),
  ],
  (inner) => [
    fc.tuple(fc.constantFrom('flag', 'items', 'name', 'user'), inner).map(([n, body]) => `{{#${n}}}${body}{{/${n}}}`),
    fc.tuple(fc.constantFrom('flag', 'items', 'name'), inner).map(([n, body]) => `{{^${n}}}${body}{{/${n}}}`),
    inner.map((body) => `{{#items}}\n- {{.}}${body}\n{{/items}}\n`),
  ],
);

export const handlebars = template(
  [
    fc.tuple(fc.constantFrom('', '~'), printedName, fc.constantFrom('', '~')).map(([a, n, b]) => `{{${a}${n}${b}}}`),
    printedName.map((name) => `{{{${name}}}}`),
    literalText.map((text) => `{{!-- ${text} --}}`),
    fc.constant('\\{{name}}'),
  ],
  (inner) => [
    fc.tuple(fc.constantFrom('if', 'unless'), inner).map(([h, body]) => `{{#${h} flag}}${body}{{/${h}}}`),
    fc.tuple(inner, inner).map(([a, b]) => `{{#if flag}}${a}{{else if user.admin}}${b}{{else}}${a}{{/if}}`),
    fc.tuple(inner, inner).map(([a, b]) => `{{#each items}}${a}{{this}}{{else}}${b}{{/each}}`),
    inner.map((body) => `{{#with user}}${body}{{name}}{{/with}}`),
    inner.map((body) => `{{#items}}\n- {{.}}${body}\n{{/items}}\n`),
    inner.map((body) => `{{~#if flag~}} ${body} {{~/if~}}`),
  ],
);

/** A field and what Python prints for it are made together: Python is not at hand to ask. */
export interface FilledTemplate {
  readonly source: string;
  readonly rendered: string;
}

export const fstring: fc.Arbitrary<FilledTemplate> = filled(
  (text) => text.replaceAll('{', '{{').replaceAll('}', '}}'),
  fc.constantFrom('{name}', '{user.name}', '{items[0]}', '{name!r}', '{name:>10}', '{name:{width}}', '{0}', '{}'),
);

export const dollar: fc.Arbitrary<FilledTemplate> = filled(
  (text) => text.replaceAll('${', '\\${'),
  fc.constantFrom('${name}', '${ user.name }', '${items.map((i) => `${i}}`)}', '${f({ a: "}" })}'),
);

function filled(escape: (text: string) => string, field: fc.Arbitrary<string>): fc.Arbitrary<FilledTemplate> {
  const units = fc.array(fc.constantFrom(...LITERAL_UNITS, '{', '}', '$', '{{'), { maxLength: 6 });
  const text = units.map((chosen) => chosen.join('').replace(/[$\\]+$/, ''));
  const literal = text.map((plain) => ({ source: escape(plain), rendered: plain }));
  const variable = fc.tuple(field, valueText).map(([source, rendered]) => ({ source, rendered }));
  return fc.array(fc.oneof(literal, variable), { maxLength: 7 }).map((parts) => ({
    source: parts.map((part) => part.source).join(''),
    rendered: parts.map((part) => part.rendered).join(''),
  }));
}
