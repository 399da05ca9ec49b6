/** What the engine answers, case by case. */

import { describe, expect, it, vi } from 'vitest';

import { createAttributor, deservesNear, RepeatedMessage, withNear } from '../../src/attribution/index.ts';
import { TextMatcher } from '../../src/attribution/text-matcher.ts';
import type { AttributionQuery } from '../../src/contract/attribution.ts';
import type { Attributor } from '../../src/attribution/index.ts';
import { version } from './fixtures.ts';

const V1 =
  'You are a customer support intent classifier.\nClassify the message: {{ message }}\nAnswer with one word.\n';
const V2 = V1.replace('Answer with one word.', 'Answer with one word, in lower case.');
const RENDERED_V1 = V1.replace('{{ message }}', 'where is my order?').trim();

function registry(): Attributor {
  const attributor = createAttributor();
  attributor.addAll([version('support.intent', 1, V1), version('support.intent', 2, V2)]);
  return attributor;
}

describe('a text', () => {
  it('is a render of the version it was rendered from, and says what filled the variables', () => {
    const answer = registry().attribute({ text: RENDERED_V1 });
    expect(answer.kind).toBe('rendered');
    expect(answer.words).toBe('compatible with support.intent v1, 90 literal bytes');
    expect(answer.matches).toMatchObject([
      {
        prompt: 'support.intent',
        version: '1',
        literalBytes: 90,
        gaps: 1,
        hash: null,
        variables: [{ name: 'message', value: 'where is my order?' }],
      },
    ]);
  });

  it('is exact where it is the registered source, by the strictest hash that is equal', () => {
    const attributor = registry();
    const hashOf = (text: string): unknown => attributor.attribute({ text }).matches[0]?.hash;
    expect(hashOf(V1)).toBe('strict');
    expect(hashOf(V1.trim())).toBe('transport');
    expect(hashOf(V1.replaceAll('\n', '\r\n'))).toBe('transport');
    expect(hashOf(V1.replaceAll('\n', '  \n'))).toBe('cosmetic');
    expect(attributor.attribute({ text: V1 }).kind).toBe('exact');
  });

  it('gives every version that fits equally well', () => {
    const attributor = registry();
    attributor.add(version('support.intent', 3, V1));
    const answer = attributor.attribute({ text: RENDERED_V1 });
    expect(answer.kind).toBe('ambiguous');
    expect(answer.matches.map((match) => match.version)).toEqual(['1', '3']);
  });

  it('is not decided on a few bytes', () => {
    const attributor = createAttributor();
    attributor.add(version('rag', 1, '{{context}}\n{{question}}'));
    const answer = attributor.attribute({ text: 'two\nlines' });
    expect(answer.kind).toBe('insufficient_evidence');
    expect(answer.words).toContain('only 1 literal byte');
  });

  it('prefers, of equally good versions, the one where a repeated variable has one value', () => {
    const attributor = createAttributor();
    attributor.addAll([
      version('twice', 1, 'Compare carefully {{a}} with the other one, {{b}}!'),
      version('same', 1, 'Compare carefully {{a}} with the other one, {{a}}!'),
    ]);
    expect(attributor.attribute({ text: 'Compare carefully x with the other one, x!' }).kind).toBe('ambiguous');
    expect(
      attributor.attribute({ text: 'Compare carefully x with the other one, y!' }).matches.map((m) => m.prompt),
    ).toEqual(['twice']);
  });

  it('is chosen by model where versions differ in nothing else', () => {
    const attributor = createAttributor();
    attributor.addAll([
      version('p', 1, V1, { settings: { model: 'gpt-4o' } }),
      version('p', 2, V1, { settings: { model: 'claude-3-5-sonnet' } }),
    ]);
    const settings = { model: 'claude-3-5-sonnet-20241022' };
    expect(attributor.attribute({ text: RENDERED_V1, settings }).matches.map((m) => m.version)).toEqual(['2']);
    expect(attributor.attribute({ text: RENDERED_V1 }).kind).toBe('ambiguous');
  });

  it('is forgotten as unknown once its version is registered, and again once it is removed', () => {
    const attributor = registry();
    const text = 'A new prompt that nobody has registered so far: x';
    expect(attributor.attribute({ text }).kind).toBe('unknown');
    attributor.add(version('new', 1, 'A new prompt that nobody has registered so far: {{x}}'));
    expect(attributor.attribute({ text }).kind).toBe('rendered');
    attributor.remove('new', '1');
    expect(attributor.attribute({ text }).kind).toBe('unknown');
  });
});

describe('settings of the engine that nobody registered', () => {
  const template =
    'Rules of the house:\n  {% if strict %}\nAlways be strict with everybody.\n  {% endif %}\nThat is all.';

  it.each([
    ['none', 'Rules of the house:\n  \nAlways be strict with everybody.\n  \nThat is all.'],
    ['trim_blocks', 'Rules of the house:\n  Always be strict with everybody.\n  That is all.'],
    ['trim_blocks and lstrip_blocks', 'Rules of the house:\nAlways be strict with everybody.\nThat is all.'],
  ])('%s', (_, text) => {
    const attributor = createAttributor();
    attributor.add(version('house', 1, template));
    expect(attributor.attribute({ text }).kind).toBe('rendered');
  });
});

describe('what cannot be compiled', () => {
  it('says why, and is found by hash alone', () => {
    const attributor = createAttributor();
    const source = '{% extends "base.txt" %}\n{% block body %}You are careful.{% endblock %}';
    const [extended, broken] = attributor.addAll([
      version('child', 1, source),
      version('broken', 1, 'a\n{{ user name }}'),
    ]);
    expect(extended).toEqual({
      kind: 'hash_only',
      problems: [expect.stringContaining('extends another template (line 1)')],
    });
    expect(broken).toEqual({ kind: 'hash_only', problems: [expect.stringContaining('Line 2 is not valid jinja2')] });
    expect(attributor.attribute({ text: source }).kind).toBe('exact');
    expect(attributor.attribute({ text: 'You are careful.' }).kind).toBe('unknown');
  });

  it('contradicts nobody: not the version that is declared, nor what its other messages fit', () => {
    const attributor = createAttributor();
    attributor.addAll([
      version('child', 1, '{% extends "base.txt" %}{% block body %}You are careful.{% endblock %}'),
      version('half', 1, [
        ['system', 'You are a careful clerk of the archive of Acme.'],
        ['user', '{% extends "question.txt" %}'],
      ]),
    ]);
    const text = 'You answer for Acme. You are careful.';
    expect(attributor.attribute({ text, declared: { prompt: 'child', version: '1' } })).toMatchObject({
      kind: 'declared',
      contradictsDeclaration: false,
      words: 'declared child v1; there is nothing to check it with',
    });
    const messages = [
      { role: 'system', content: 'You are a careful clerk of the archive of Acme.' },
      { role: 'user', content: 'Where is the file of 1908?' },
    ];
    expect(attributor.attribute({ messages })).toMatchObject({ kind: 'rendered', matches: [{ prompt: 'half' }] });
  });

  it('is not what a text must be that fits no other version of a prompt', () => {
    const attributor = createAttributor();
    attributor.addAll([
      version('clerk', 1, '{{ user name }}'),
      version('clerk', 2, 'You are a careful clerk of the archive of Acme.'),
    ]);
    const text = 'You are a careless clerk of the archive of Acme.';
    expect(attributor.attribute({ text, declared: { prompt: 'clerk', version: 'production' } })).toMatchObject({
      kind: 'unknown',
      contradictsDeclaration: true,
    });
  });
});

describe('a declaration', () => {
  const attributor = registry();
  attributor.add(version('anything', 1, '{{ input }}'));

  it('is believed where the text agrees', () => {
    const answer = attributor.attribute({ text: RENDERED_V1, declared: { prompt: 'support.intent', version: '1' } });
    expect(answer).toMatchObject({ kind: 'declared', contradictsDeclaration: false, matches: [{ version: '1' }] });
  });

  it('is contradicted by a text of another version, and the text decides', () => {
    const answer = attributor.attribute({ text: RENDERED_V1, declared: { prompt: 'support.intent', version: '2' } });
    expect(answer).toMatchObject({ kind: 'rendered', contradictsDeclaration: true, matches: [{ version: '1' }] });
    expect(answer.words).toContain('the text contradicts the declared support.intent v2');
  });

  it('is contradicted by a text of nothing', () => {
    const answer = attributor.attribute({
      text: 'Something else.',
      declared: { prompt: 'support.intent', version: '2' },
    });
    expect(answer).toMatchObject({ kind: 'unknown', contradictsDeclaration: true });
  });

  it('cannot be contradicted where the declared prompt is only a variable, or not registered', () => {
    const of = (prompt: string): boolean =>
      attributor.attribute({ text: 'Something else.', declared: { prompt, version: '1' } }).contradictsDeclaration;
    expect(of('anything')).toBe(false);
    expect(of('nobody.registered.this')).toBe(false);
  });

  it('by label is checked against all versions of the prompt', () => {
    const of = (text: string): boolean =>
      attributor.attribute({ text, declared: { prompt: 'support.intent', version: 'production' } })
        .contradictsDeclaration;
    expect(of(RENDERED_V1)).toBe(false);
    expect(of('Something else.')).toBe(true);
  });

  it('stands unchecked where nothing was captured', () => {
    expect(attributor.attribute({ declared: { prompt: 'support.intent', version: '1' } })).toMatchObject({
      kind: 'declared',
      matches: [{ version: '1', literalBytes: 0 }],
    });
    expect(attributor.attribute({}).kind).toBe('unverifiable');
  });

  it('with template and variables is rendered and compared', () => {
    const variables = { message: 'where is my order?' };
    const answer = attributor.attribute({ text: RENDERED_V1, template: V1, variables });
    expect(answer).toMatchObject({
      kind: 'declared',
      matches: [{ version: '1', variables: [{ name: 'message', value: 'where is my order?' }] }],
    });
    const lie = attributor.attribute({ text: RENDERED_V1, template: V2, variables });
    expect(lie).toMatchObject({ kind: 'rendered', matches: [{ version: '1' }] });
  });
});

describe('a chat', () => {
  const attributor = createAttributor();
  attributor.addAll([
    version('bot', 1, [
      ['system', 'You are {{name}}, a helpful assistant of Example Inc.'],
      ['user', 'Question from the customer: {{question}}'],
    ]),
    version('open', 1, [
      ['system', 'You are the open assistant that answers everything.'],
      ['user', '{{input}}'],
    ]),
    version('bare', 1, 'You translate whatever the user writes into French.'),
  ]);
  const system = { role: 'system', content: 'You are Ann, a helpful assistant of Example Inc.' };
  const question = { role: 'user', content: 'Question from the customer: where is it?' };

  it('matches message by message; what follows is the conversation', () => {
    const messages = [system, question, { role: 'assistant', content: 'Here.' }, { role: 'user', content: 'Thanks' }];
    const answer = attributor.attribute({ messages });
    expect(answer).toMatchObject({ kind: 'rendered', matches: [{ prompt: 'bot', gaps: 2 }] });
    expect(answer.matches[0]?.variables.map(({ value }) => value)).toEqual(['Ann', 'where is it?']);
  });

  it('does not match if one of its messages is another', () => {
    expect(attributor.attribute({ messages: [system, { role: 'user', content: 'Something else' }] }).kind).toBe(
      'unknown',
    );
    expect(attributor.attribute({ messages: [question, system] }).kind).toBe('unknown');
    expect(attributor.attribute({ messages: [{ ...system, role: 'user' }, question] }).kind).toBe('unknown');
  });

  it('is matched by its system prompt alone where that is all there is', () => {
    expect(attributor.attribute({ messages: [{ ...system, role: 'developer' }] })).toMatchObject({
      kind: 'rendered',
      matches: [{ prompt: 'bot' }],
    });
    expect(attributor.attribute({ text: system.content })).toMatchObject({
      kind: 'rendered',
      matches: [{ prompt: 'bot' }],
    });
  });

  it('lets any message stand for a variable', () => {
    const messages = [
      { role: 'system', content: 'You are the open assistant that answers everything.' },
      { role: 'user', content: 'hi' },
    ];
    expect(attributor.attribute({ messages })).toMatchObject({ kind: 'rendered', matches: [{ prompt: 'open' }] });
  });

  it.each([
    ['the conversation so far', 'user: hi', 'assistant: How can I help?', 'user: Where is my order?'],
    ['nothing but the question', 'user: Where is my order?'],
  ])('lets messages stand where the application puts them: %s', (_what, ...said) => {
    const clerk = createAttributor();
    clerk.add(
      version('clerk', 1, [
        ['system', 'You are a careful clerk of the archive of Acme.'],
        ['placeholder', 'history'],
        ['user', '{{ question }}'],
      ]),
    );
    const conversation = said.map((line) => ({ role: line.split(': ')[0] ?? '', content: line.split(': ')[1] ?? '' }));
    const clerkSays = { role: 'system', content: 'You are a careful clerk of the archive of Acme.' };
    const declared = { prompt: 'clerk', version: '1' };
    expect(clerk.attribute({ messages: [clerkSays, ...conversation], declared })).toMatchObject({
      kind: 'declared',
      contradictsDeclaration: false,
    });
    expect(clerk.attribute({ messages: [clerkSays, ...conversation] }).matches).toMatchObject([{ version: '1' }]);
    // Its name is no text that anybody sends.
    expect(clerk.attribute({ text: 'history' }).kind).toBe('unknown');
  });

  it('finds a bare text in the system or the user message', () => {
    const content = 'You translate whatever the user writes into French.';
    for (const role of ['system', 'user']) {
      const answer = attributor.attribute({
        messages: [
          { role, content },
          { role: 'user', content: 'hello' },
        ],
      });
      expect(answer.matches.map(({ prompt }) => prompt)).toEqual(['bare']);
    }
    expect(attributor.attribute({ messages: [{ role: 'assistant', content }] }).kind).toBe('unknown');
  });
});

describe('messages that are asked about with every call', () => {
  const said = [
    { role: 'system', content: RENDERED_V1 },
    { role: 'user', content: 'where is my order?' },
  ];

  it('are answered like others, also after something else is registered, and by two attributors in turn', () => {
    const messages = said.map((message) => new RepeatedMessage(message));
    const [first, second] = [registry(), createAttributor()];
    const ask = (attributor: Attributor): void => {
      for (let time = 0; time < 2; time += 1) {
        for (const each of [attributor, first, second])
          expect(each.attribute({ messages })).toEqual(each.attribute({ messages: said }));
      }
    };
    ask(first);
    second.add(version('other', 1, V2.replace('one word', 'two words')));
    ask(second);
    second.add(version('copy', 7, V1));
    ask(second);
    expect(second.attribute({ messages }).matches.map(({ prompt }) => prompt)).toEqual(['copy']);
    first.remove('support.intent', '1');
    ask(first);
    expect(first.attribute({ messages }).kind).toBe('unknown');
  });

  it('are looked through once by each', () => {
    const find = vi.spyOn(TextMatcher.prototype, 'findAll');
    const messages = said.map((message) => new RepeatedMessage(message));
    const attributors = [registry(), registry()];
    for (let time = 0; time < 5; time += 1) for (const each of attributors) each.attribute({ messages });
    expect(find).toHaveBeenCalledTimes(said.length * attributors.length);
    find.mockRestore();
  });
});

describe('distinct texts', () => {
  it('are looked for once, whatever conversation they stand in, until the registry changes', () => {
    const findAll = vi.spyOn(TextMatcher.prototype, 'findAll');
    const find = vi.spyOn(TextMatcher.prototype, 'find');
    const attributor = registry();
    const conversation = (question: string): AttributionQuery => ({
      messages: [
        { role: 'system', content: RENDERED_V1 },
        { role: 'user', content: question },
      ],
      settings: { model: 'model-a' },
    });
    const [where, why] = ['Where is it? '.repeat(20), 'Why is it there? '.repeat(20)] as const;
    const answers = Array.from({ length: 10 }, () => attributor.attribute(conversation(where)));
    expect(new Set(answers.map(({ matches }) => matches[0]?.version))).toEqual(new Set(['1']));
    expect(findAll).toHaveBeenCalledTimes(2);
    attributor.attribute(conversation(why));
    expect(findAll).toHaveBeenCalledTimes(3);
    expect(attributor.attribute({ text: RENDERED_V1 })).toBe(attributor.attribute({ text: RENDERED_V1 }));
    expect(find).toHaveBeenCalledTimes(1);
    attributor.remove('support.intent', '1');
    expect(attributor.attribute(conversation(why)).matches.map(({ version: name }) => name)).not.toContain('1');
    expect(findAll).toHaveBeenCalledTimes(5);
    // Of what is short and no instruction nothing is remembered: to look again is cheaper.
    for (let time = 0; time < 3; time += 1) attributor.attribute(conversation('Why?'));
    expect(findAll).toHaveBeenCalledTimes(8);
    vi.restoreAllMocks();
  });

  it('are compared with what is declared once as well, also where they contradict it', () => {
    const attributor = registry();
    const messages = [{ role: 'system', content: 'Something else that nobody has registered at all.' }];
    for (let call = 0; call < 3; call += 1) {
      const answer = attributor.attribute({ messages, declared: { prompt: 'support.intent', version: 'production' } });
      expect(answer).toMatchObject({ kind: 'unknown', contradictsDeclaration: true });
    }
    const right = {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'system', content: RENDERED_V1 },
      ],
    };
    for (const declared of ['1', '2', '1']) {
      const answer = attributor.attribute({ ...right, declared: { prompt: 'support.intent', version: declared } });
      expect(answer.contradictsDeclaration).toBe(declared === '2');
    }
  });
});

describe('near misses', () => {
  const attributor = registry();
  const edited = RENDERED_V1.replace('customer support', 'customer service');

  it('name the version and show the smallest edit', () => {
    const [closest] = attributor.near({ text: edited });
    expect(closest).toMatchObject({ prompt: 'support.intent', version: '1', editedBytes: 14 });
    expect(closest?.diff).toContain('-You are a customer support intent classifier.');
    expect(closest?.diff).toContain('+You are a customer service intent classifier.');
    expect(closest?.diff).toContain(' Classify the message: {{message}}');
  });

  it('turn an unknown text into a near one', () => {
    const unknown = attributor.attribute({ text: edited });
    expect(deservesNear(unknown)).toBe(true);
    const near = withNear(unknown, attributor.near({ text: edited }));
    expect(near.kind).toBe('near');
    expect(near.words).toContain('closest is support.intent v1 with an edit of 14 bytes');
  });

  it('do not exist for a text that only shares words', () => {
    expect(
      attributor.near({ text: 'You are a customer and want to classify the message of an order with one word.' }),
    ).toEqual([]);
  });

  it('are found in one message of a chat', () => {
    const chats = createAttributor();
    chats.add(
      version('bot', 1, [
        ['system', 'You are {{name}}, a helpful assistant of Example Inc.'],
        ['user', '{{input}}'],
      ]),
    );
    const [closest] = chats.near({
      messages: [
        { role: 'system', content: 'You are Ann, a useless assistant of Example Inc.' },
        { role: 'user', content: 'hi' },
      ],
    });
    expect(closest).toMatchObject({ prompt: 'bot', version: '1' });
    expect(closest?.diff).toContain('+You are {{name}}, a useless assistant of Example Inc.');
  });
});
