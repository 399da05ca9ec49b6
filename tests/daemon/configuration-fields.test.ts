import { describe, expect, it } from 'vitest';
import type { Configuration } from '../../src/config/configuration.ts';
import { defaultConfiguration } from '../../src/config/load.ts';
import { configurationFields } from '../../src/daemon/audit/configuration-fields.ts';

const source = (config: object): Configuration['sources'][number] => ({
  name: 'desk',
  type: 'langfuse',
  environment: 'production',
  everyMs: 30_000,
  timeoutMs: 10_000,
  config,
  targets: [],
});

const configured = (more: Partial<Configuration> = {}): Configuration => ({
  ...defaultConfiguration('/srv/plumbline', {}),
  secrets: ['a-resolved-secret'],
  sources: [source({ base_url: 'https://user:one@example.com', label: 'production', secret_key: 'a-literal-secret' })],
  redisUrl: 'redis://:a-resolved-secret@redis',
  ...more,
});

describe('what the audit chain says of the configuration', () => {
  const before = configurationFields(configured(), '1.0.0', null);

  it('names the parts that changed since the start before', () => {
    expect(before).toMatchObject({ plumbline: '1.0.0', changed: 'not known', 'part source desk': expect.any(String) });
    expect(configurationFields(configured(), '1.0.0', before)).toEqual({ ...before, changed: 'nothing' });
    const other = configured({ sources: [source({ label: 'staging' })], keepCallsMs: 1 });
    expect(configurationFields(other, '1.0.0', before)['changed']).toBe('retention, source desk');
    expect(configurationFields(configured({ sources: [] }), '1.0.0', before)['changed']).toBe('source desk');
  });

  it('depends on no secret: a hash of one could be guessed', () => {
    const rotated = configured({
      secrets: ['another-secret'],
      sources: [source({ base_url: 'https://user:two@example.com', label: 'production', secret_key: 'another' })],
      redisUrl: 'redis://:another-secret@redis',
      keys: [],
    });
    expect(configurationFields(rotated, '1.0.0', before)['changed']).toBe('nothing');
    const key = (secret: string) => ({ name: 'reader', scopes: ['read' as const], key: secret });
    const keyed = configurationFields(configured({ keys: [key('one')] }), '1.0.0', before);
    expect(keyed['changed']).toBe('keys');
    expect(configurationFields(configured({ keys: [key('two')] }), '1.0.0', keyed)['changed']).toBe('nothing');
  });
});
