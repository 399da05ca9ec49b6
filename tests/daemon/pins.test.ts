/** Pins by label: what they are made of, when they move, and who outranks them. */

import { describe, expect, test } from 'vitest';
import type { HeldObservation } from '../../src/contract/observation.ts';
import type { Pin, RegisteredVersion } from '../../src/contract/prompt.ts';
import { LabelPins } from '../../src/daemon/registry/label-pins.ts';
import { mergeRegistries } from '../../src/daemon/registry/load-registry.ts';
import { RegistryView } from '../../src/daemon/registry/registry-view.ts';
import { held, registered, time, unanswered } from '../support/store-samples.ts';

const at = { target: 'langfuse/reply', source: 'langfuse', prompt: 'reply' } as const;

function labelled(clock: string, version: string, more: Partial<HeldObservation> = {}): HeldObservation {
  const pointer = { name: 'production', value: version };
  return held(clock, `text ${version}`, { ...at, pointer, sourceVersion: version, ...more });
}

const versions = ['1', '2', '3'].map((version) =>
  registered(version, `text ${version}`, { prompt: 'reply', registry: 'langfuse' }),
);
const find = (registry: string, prompt: string, version: string): RegisteredVersion | null =>
  versions.find((each) => each.registry === registry && each.prompt === prompt && each.version === version) ?? null;

describe('a label', () => {
  test('pins the version that it was seen to name, since when the place says', () => {
    const labels = new LabelPins(new Set(['langfuse']), []);
    const observation = labelled('01:00:00', '2', {
      editedAt: time('00:30:00'),
      url: 'https://langfuse.example/reply',
    });
    expect(labels.wouldChange([observation])).toBe(true);
    labels.take([observation]);
    expect(labels.wouldChange([observation])).toBe(false);
    expect(labels.pins(find)).toEqual([
      {
        environment: 'production',
        prompt: 'reply',
        version: '2',
        hash: versions[1]?.variants[0].hashes.strict,
        rule: 'label:production@langfuse',
        origin: { file: 'https://langfuse.example/reply' },
        since: time('00:30:00'),
        by: null,
      },
    ]);
  });

  test('that stays keeps its beginning; that moves has a new one', () => {
    const labels = new LabelPins(new Set(['langfuse']), []);
    labels.take([labelled('01:00:00', '2', { editedAt: time('00:30:00') })]);
    labels.take([labelled('02:00:00', '2', { editedAt: time('01:30:00') })]);
    expect(labels.pins(find)[0]?.since).toBe(time('00:30:00'));
    labels.take([labelled('03:00:00', '1', { editedAt: time('02:30:00') })]);
    expect(labels.pins(find)[0]).toMatchObject({ version: '1', since: time('02:30:00') });
  });

  test('that is gone pins nothing, and its rule is still told, so that the end is recorded', () => {
    const labels = new LabelPins(new Set(['langfuse']), []);
    labels.take([labelled('01:00:00', '2')]);
    labels.take([unanswered('01:01:00', 'unreachable', at as object)]);
    expect(labels.pins(find)).toHaveLength(1);
    labels.take([unanswered('01:02:00', 'missing', at as object)]);
    expect(labels.pins(find)).toEqual([]);
    expect(labels.rules).toEqual(['label:production@langfuse']);
  });

  test('of a source that is no registry, of a split, or of an unknown version pins nothing', () => {
    const labels = new LabelPins(new Set(['langfuse']), []);
    labels.take([
      labelled('01:00:00', '2', { source: 'other', target: 'other/reply' }),
      labelled('01:00:00', '2', { part: 'blue', target: 'langfuse/split' }),
      labelled('01:00:00', '2', { share: 0.5, target: 'langfuse/half' }),
      labelled('01:00:00', '9', { target: 'langfuse/unknown' }),
    ]);
    expect(labels.pins(find)).toEqual([]);
  });

  test('is remembered from what was seen before this process began', () => {
    const last = labelled('01:00:00', '2');
    const latest = [{ target: last.target, part: '', last, lastAnswered: last }];
    expect(new LabelPins(new Set(['langfuse']), latest).pins(find)).toMatchObject([{ version: '2' }]);
  });
});

test('the lockfile outranks labels, and of two labels the first by name counts', () => {
  const pin = (rule: string, version: string): Pin => ({
    environment: 'production',
    prompt: 'reply',
    version,
    hash: 'sha256:0',
    rule,
    origin: { file: 'f' },
    since: null,
    by: null,
  });
  const lock = pin('lockfile', '1');
  const labels = [pin('label:production@b', '3'), pin('label:production@a', '2')];
  const pinned = (pins: readonly Pin[]): string | undefined =>
    new RegistryView({ versions: [], pins }).pin('reply', 'production')?.version;
  expect(pinned([lock, ...labels])).toBe('1');
  expect(pinned([...labels, lock])).toBe('1');
  expect(pinned(labels)).toBe('2');
  expect(pinned(labels.toReversed())).toBe('2');
});

test('one prompt has one registry: the first that is named', () => {
  const files = [registered('7', 'seven', { prompt: 'reply' })];
  const other = registered('1', 'one', { prompt: 'intent', registry: 'langsmith' });
  const merged = mergeRegistries(files, [...versions, other]);
  expect(merged.versions).toEqual([...files, other]);
  expect(merged.notes).toEqual(['langfuse holds reply too; files is its registry.']);
});
