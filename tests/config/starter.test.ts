/** The first configuration: where each key comes from, and what is said of one that is missing or wrong. */

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { sourcePlugins } from '../../collectors/index.ts';
import { starterConfiguration } from '../../src/config/starter.ts';
import type { Fault } from '../../src/contract/fault.ts';

function start(type: string, given: readonly string[], variables: Readonly<Record<string, string>>) {
  const plugin = sourcePlugins.find((candidate) => candidate.type === type);
  if (plugin === undefined) throw new Error(`There is no ${type}.`);
  return starterConfiguration({ plugin, given, variables, folder: null });
}

function refusal(type: string, given: readonly string[], variables: Readonly<Record<string, string>> = {}): string {
  try {
    start(type, given, variables);
  } catch (error) {
    const { message, hint } = error as Fault;
    return `${message} ${hint ?? ''}`;
  }
  throw new Error('It was taken.');
}

describe('keys', () => {
  test('lie in the environment, under the name of the example, of the vendor, or of the type', () => {
    const variables = {
      OPIK_API_KEY: 'k',
      OPIK_WORKSPACE: 'acme',
      OPIK_HOST: 'https://opik.example.com',
      OPIK_OTHER: 'x',
    };
    const [source] = parse(start('opik', [], variables)).sources;
    expect(source).toMatchObject({
      base_url: 'env:OPIK_HOST',
      workspace: 'env:OPIK_WORKSPACE',
      api_key: 'env:OPIK_API_KEY',
    });
    expect(Object.keys(source)).not.toContain('other');
  });

  test('are said, and then beat the environment', () => {
    const variables = { BRAINTRUST_API_KEY: 'k', BRAINTRUST_PROJECT: 'other' };
    const [source] = parse(start('braintrust', ['project=a=b: c'], variables)).sources;
    expect(source).toMatchObject({ project: 'a=b: c', api_key: 'env:BRAINTRUST_API_KEY' });
  });

  test('that are secret are only referred to', () => {
    const [source] = parse(start('braintrust', ['project=p', 'api_key=file:/run/secrets/key'], {})).sources;
    expect(source.api_key).toBe('file:/run/secrets/key');
    const words = refusal('braintrust', ['project=p', 'api_key=sk-clear']);
    expect(words).toContain('--set api_key=env:NAME');
    expect(words).not.toContain('sk-clear');
  });
});

describe('what is not right is said, with what to do', () => {
  test.each([
    ['a key that is not set', 'langfuse', [], {}, 'LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are not set.'],
    ['a key that is no secret', 'braintrust', [], { BRAINTRUST_API_KEY: 'k' }, '--set project=support'],
    ['a key that there is not', 'langfuse', ['lable=x'], {}, 'Did you mean label?'],
    ['no value', 'langfuse', ['label'], {}, 'KEY=VALUE'],
    [
      'a value that does not fit',
      'langfuse',
      ['base_url=ftp://x', 'public_key=p'],
      { LANGFUSE_SECRET_KEY: 's' },
      'base_url',
    ],
    ['a variable that is not set', 'braintrust', ['project=env:NOWHERE'], { BRAINTRUST_API_KEY: 'k' }, 'project'],
  ] as const)('%s', (_name, type, given, variables, words) => {
    expect(refusal(type, given, variables)).toContain(words);
  });
});
