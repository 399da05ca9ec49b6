/** Sources as registries: what is read when, what is published, and what is said while one can't be read. */

import { afterEach, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import { Fault } from '../../src/contract/fault.ts';
import type { HeldObservation } from '../../src/contract/observation.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { SourceRegistries } from '../../src/daemon/registry/source-registries.ts';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { held, registered } from '../support/store-samples.ts';

const never = new AbortController().signal;

/** A registry's history, in which a test writes; it fails at a version that it is told to. */
class History {
  readonly versions: RegisteredVersion[] = [];
  readonly questions: (string | null)[] = [];
  failsAt: string | null = null;
  gate: Promise<void> = Promise.resolve();

  write(...names: readonly string[]): void {
    for (const name of names)
      this.versions.push(registered(name, `text ${name}`, { prompt: 'reply', registry: 'langfuse' }));
  }

  async *list(since: string | null): AsyncIterable<{ version: RegisteredVersion; cursor: string }> {
    this.questions.push(since);
    await this.gate;
    for (const version of this.versions.slice(since === null ? 0 : Number(since))) {
      if (version.version === this.failsAt) throw new Fault('overloaded', 'Slow down.', { retryAfterMs: 7_000 });
      yield { version, cursor: version.version };
    }
  }
}

function observation(version: string): HeldObservation {
  return held('01:00:00', `text ${version}`, {
    target: 'langfuse/reply',
    source: 'langfuse',
    prompt: 'reply',
    pointer: { name: 'production', value: version },
    sourceVersion: version,
  });
}

describe('one registry', () => {
  test('is read on from where it stopped, and published when it was read to its end', async () => {
    const history = new History();
    history.write('1', '2', '3');
    history.failsAt = '3';
    const registry = new SourceRegistry('langfuse', (since) => history.list(since));
    expect(await registry.read(never)).toBe(false);
    expect(registry).toMatchObject({ versions: [], isComplete: false, failuresInARow: 1, retryAfterMs: 7_000 });
    expect(registry.problem).toContain('Slow down.');

    history.failsAt = null;
    expect(await registry.read(never)).toBe(true);
    expect(history.questions).toEqual([null, '2']);
    expect(registry.versions.map(({ version }) => version)).toEqual(['1', '2', '3']);
    expect(registry).toMatchObject({ isComplete: true, problem: null, failuresInARow: 0 });
    expect(await registry.read(never)).toBe(false);

    history.failsAt = '4';
    history.write('4');
    expect(await registry.read(never)).toBe(false);
    expect(registry.versions).toHaveLength(3);
  });

  test('says which versions need not be read again, also those of a reading that failed', async () => {
    const history = new History();
    history.write('1', '2', '3');
    history.failsAt = '3';
    const known: (readonly boolean[])[] = [];
    const registry = new SourceRegistry('langfuse', (since, _signal, isKnown) => {
      known.push(['1', '2', '3'].map((version) => isKnown?.('reply', version) === true));
      return history.list(since);
    });
    await registry.read(never);
    await registry.read(never);
    expect(known).toEqual([
      [false, false, false],
      [true, true, false],
    ]);
  });

  test('that is asked twice at once is read once', async () => {
    const history = new History();
    const registry = new SourceRegistry('langfuse', (since) => history.list(since));
    await Promise.all([registry.read(never), registry.read(never)]);
    expect(history.questions).toEqual([null]);
  });
});

describe('a poll of a registry', () => {
  const opened: SourceRegistries[] = [];
  afterEach(async () => {
    for (const registries of opened.splice(0)) await registries.stop();
  });

  function setUp(history: History) {
    const told: string[] = [];
    const registries = new SourceRegistries({
      sources: [{ name: 'langfuse', everyMs: 3_600_000 }],
      list: (_source, since) => history.list(since),
      latest: [],
      recall: null,
      log: pino({ level: 'silent' }),
    });
    registries.keepWith({
      reload: async () => void told.push(`reload ${registries.versions.length}`),
      reloadAround: async (change, work) => {
        change();
        told.push('label moved');
        await work();
      },
    });
    opened.push(registries);
    const judge = async (): Promise<void> => void told.push('judge');
    return { registries, told, judge };
  }

  test('has what it names read before it is judged, and its label moved with it', async () => {
    const history = new History();
    history.write('1');
    const { registries, told, judge } = setUp(history);
    await registries.start();
    await registries.follow([observation('1')], judge);
    history.write('2');
    await registries.follow([observation('2')], judge);
    await registries.follow([observation('2')], judge);
    expect(told).toEqual(['reload 1', 'label moved', 'judge', 'reload 2', 'label moved', 'judge', 'judge']);
  });

  test('asks once for a version that the history never tells', async () => {
    const history = new History();
    const { registries, judge } = setUp(history);
    await registries.start();
    await registries.follow([observation('9')], judge);
    const asked = history.questions.length;
    await registries.follow([observation('9')], judge);
    expect(history.questions).toHaveLength(asked);
  });

  test('is in doubt while the registry is unread, or does not answer for what it names', async () => {
    const history = new History();
    history.write('1');
    let open = (): void => undefined;
    history.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { registries, judge } = setUp(history);
    const started = registries.start();
    expect(registries.unread).toEqual(['langfuse']);
    const doubt = (version: string, versions: readonly RegisteredVersion[], unread: readonly string[] = []) =>
      registries.doubt(observation(version), versions, unread);
    expect(doubt('1', [], registries.unread)).toContain('langfuse has not been read yet');
    open();
    await started;
    expect(registries.unread).toEqual([]);
    expect(doubt('1', [])).toBeNull();
    expect(doubt('2', history.versions)).toBeNull();
    // It has been read, and what contents are compared with is still of before.
    expect(doubt('1', [], ['langfuse'])).toContain('langfuse has not been read yet');
    expect(doubt('2', history.versions, ['langfuse'])).toContain(
      'langfuse calls it 2, and its history has not been read yet',
    );

    history.write('2');
    history.failsAt = '2';
    await registries.follow([observation('2')], judge);
    expect(doubt('2', history.versions)).toContain("langfuse calls it 2, and its history can't be read");
    expect(doubt('1', history.versions)).toBeNull();
    expect(registries.doubt({ ...observation('2'), source: 'config' }, history.versions, [])).toBeNull();
    // A prompt that has files is judged by them.
    expect(doubt('2', [registered('1', 'one', { prompt: 'reply' })])).toBeNull();
  });
});
