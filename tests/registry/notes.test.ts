/** A history that is there and that Git does not read. */

import { expect, test } from 'vitest';
import { gitNote } from '../../src/registry/notes.ts';

test('a repository of another user is named with what lets Git read it', () => {
  const reason = "detected dubious ownership in repository at '/srv/prompts'";
  expect(gitNote('prompts', { kind: 'refused', reason })).toContain(
    '`git config --global --add safe.directory /srv/prompts`',
  );
  expect(gitNote('prompts', { kind: 'refused', reason: 'bad object HEAD' })).not.toContain('safe.directory');
});
