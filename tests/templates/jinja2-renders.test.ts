/** What Jinja2 3.1.6 itself renders, for what the engines of the differential test do otherwise or don't know. */

import { expect, it } from 'vitest';

import { createAttributor } from '../../src/attribution/index.ts';
import { version } from '../attribution/fixtures.ts';

const cases: readonly (readonly [what: string, source: string, ...renders: string[]])[] = [
  [
    'a sum with a number that was set',
    '{% set count = 3 %}You give {{ count + 1 }} examples of polite answers.',
    'You give 4 examples of polite answers.',
  ],
  [
    'a number that was set, as it is',
    '{% set count = 3 %}You give {{ count }} examples of polite answers.',
    'You give 3 examples of polite answers.',
  ],
  [
    'a sum with one of two numbers',
    'You give {{ (1 if brief else 2) + 3 }} examples of polite answers.',
    'You give 4 examples of polite answers.',
    'You give 5 examples of polite answers.',
  ],
  [
    'a slice of a list',
    'The label is {{ ["No", "Yes"][0:1] }} for this sentence.',
    "The label is ['No'] for this sentence.",
  ],
  [
    'blocks of which only the white space before is stripped',
    'The rules are these:\n  {% for rule in rules %}\n  - {{ rule }}\n  {% endfor %}\nAnswer in one sentence.',
    'The rules are these:\n\n  - be polite\n\n  - be brief\n\nAnswer in one sentence.',
  ],
  [
    'a recursive loop',
    '{% for node in tree recursive %}Node {{ node.name }} holds: {{ loop(node.children) }}.{% endfor %} That is the whole tree of them.',
    'Node a holds: Node b holds: ..Node c holds: . That is the whole tree of them.',
  ],
  [
    'a test with an argument and no parentheses',
    '{% for i in items %}{{ i }}{% if loop.index is divisibleby 2 %}\n{% endif %}{% endfor %} are the items of the catalogue.',
    'ab\ncd\n are the items of the catalogue.',
  ],
  [
    'a plural',
    'You see {% trans count=n %}one item{% pluralize %}{{ count }} items{% endtrans %} of the catalogue.',
    'You see 3 items of the catalogue.',
  ],
];

it.each(cases)('%s', (_what, source, ...renders) => {
  const attributor = createAttributor();
  expect(attributor.add(version('prompt', 1, source))).toEqual({ kind: 'compiled', problems: [] });
  for (const text of renders) expect(attributor.attribute({ text }).kind, text).toBe('rendered');
});

it.each(['{{ x is }}', '{% if x is %}{% endif %}', '{% for i in items recursively %}{% endfor %}'])(
  'still refuses %s',
  (source) => {
    expect(createAttributor().add(version('prompt', 1, `${source} and text`)).kind).toBe('hash_only');
  },
);
