import { describe, expect, it } from 'vitest';
import { intervalWords } from '../../src/text/time-words.ts';
import { time } from '../support/prompts.ts';

describe('intervalWords', () => {
  it.each([
    [time('02:41:10'), time('02:41:40'), 'between 2026-11-20 02:41:10 and 02:41:40 UTC (seen 30s apart)'],
    [time('02:41:22'), time('02:41:22'), 'at 2026-11-20 02:41:22 UTC'],
    [null, time('02:41:40'), 'before 2026-11-20 02:41:40 UTC'],
    [time('02:41:10'), null, 'after 2026-11-20 02:41:10 UTC'],
    [null, null, 'at an unknown time'],
    [
      time('23:59:50'),
      time('00:00:20').replace('-20T', '-21T') as ReturnType<typeof time>,
      'between 2026-11-20 23:59:50 UTC and 2026-11-21 00:00:20 UTC (seen 30s apart)',
    ],
  ])('%s to %s', (earliest, latest, words) => {
    expect(intervalWords([earliest, latest])).toBe(words);
  });
});
