/** What the daemon's log writes of messages that others chose. */

import { afterEach, expect, test, vi } from 'vitest';
import { createLog } from '../../src/observability/log.ts';

const HOSTILE = 'the place says: \u001B[2Kall \u202Eis\u202C well\u009B1A\n12:00:00 INFO: nothing happened';
const QUIET = { level: 'info', colour: false, secrets: ['sesame-open-0123'] } as const;

afterEach(() => {
  vi.restoreAllMocks();
});

function written(forPeople: boolean, message: string): string {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  createLog({ ...QUIET, forPeople }).warn(message);
  return text;
}

test('for people: one entry, which neither steers the terminal nor looks like two', () => {
  expect(written(true, HOSTILE)).toMatch(
    /^\S+ WARN: the place says: \[2Kall <U\+202E>is<U\+202C> well1A\n {4}12:00:00 INFO: nothing happened\n$/,
  );
});

test('for machines: one line of JSON, which shows as what it is', () => {
  const line = written(false, HOSTILE);
  expect(line).toMatch(/^[\u0020-\u007E]+\n$/);
  expect(JSON.parse(line)).toMatchObject({ msg: HOSTILE });
});

test('a secret is blanked out in both', () => {
  expect(written(true, 'key sesame-open-0123')).not.toContain('sesame');
  expect(written(false, 'key sesame-open-0123')).not.toContain('sesame');
});
