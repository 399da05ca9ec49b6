import { beforeEach, expect, test } from 'vitest';
import { TroubleLog } from '../../src/lib/trouble-log.ts';

let nowMs = 0;
let told: string[] = [];
let log: TroubleLog;

beforeEach(() => {
  nowMs = 0;
  told = [];
  const tell =
    (level: string) =>
    (fields: object, message: string): void =>
      void told.push(`${level} ${message} ${JSON.stringify(fields)}`);
  log = new TroubleLog({ info: tell('info'), warn: tell('warn'), error: tell('error') }, () => nowMs);
});

const fail = (reason: string, part = ''): void => log.failed('k', { level: 'warn', message: 'it fails', reason, part });

test('a trouble is told once, and its end once, with how often and how long', () => {
  for (let second = 0; second < 600; second += 1) {
    fail('refused');
    nowMs += 1_000;
  }
  expect(log.reason('k')).toBe('refused');
  log.over('k', 'it works again');
  log.over('k', 'it works again');
  expect(told).toEqual(['warn it fails {"reason":"refused"}', 'info it works again {"times":600,"lastedMs":600000}']);
  expect(log.reason('k')).toBeNull();
});

test('another reason is told; a number or id that differs is none, and reasons without end are not', () => {
  fail('request 17 of 0a1b2c3d4e failed');
  fail('request 18 of ffffffff00 failed');
  fail('401');
  for (let index = 0; index < 100; index += 1) fail('x'.repeat(index + 1));
  expect(told).toHaveLength(5);
});

test('one that lasts is told again after an hour', () => {
  fail('refused');
  nowMs += 3_600_000;
  fail('refused');
  expect(told[1]).toBe('warn it fails {"reason":"refused","times":2}');
});

test('what comes and goes is told once a minute, and what then stays is told', () => {
  for (let second = 0; second < 120; second += 1) {
    fail('refused');
    log.over('k', 'it works again');
    nowMs += 1_000;
  }
  expect(told.map((line) => line.split(' ')[0])).toEqual(['warn', 'info', 'warn', 'info']);
  for (let second = 0; second < 120; second += 1) {
    fail('refused');
    nowMs += 1_000;
  }
  expect(told).toHaveLength(5);
});

test('a trouble of several is told once, and is over with the last of them', () => {
  fail('full', 'a');
  fail('full', 'b');
  log.over('k', 'it works again', {}, 'a');
  expect(told).toHaveLength(1);
  log.over('k', 'it works again', {}, 'b');
  expect(told).toHaveLength(2);
});
