import { describe, expect, it } from 'vitest';
import { versionNames } from '../../src/store/version-names.ts';
import { textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import { registered } from '../support/store-samples.ts';

const names = versionNames([
  registered('1', 'Hello.'),
  registered('2', 'Hi.'),
  registered('3', 'Hello.'),
  registered('2', 'Hi, changed.'),
]);
const name = (text: string) => {
  const { version, evidence } = names.name(contentHashes(textBody(text)));
  return [version, evidence.map(({ words }) => words).join()];
};

describe('version names', () => {
  it('names a content by the strictest hash, and by the newest of equal versions', () => {
    expect(name('Hi.')).toEqual(['2', 'identical to v2']);
    expect(name('Hello.')).toEqual(['3', 'identical to v3, which has the text of v1']);
    expect(name('Hi.\r\n')).toEqual(['2', 'but for its encoding equal to v2']);
    expect(name('Hello. \n\n\n')).toEqual(['3', 'but for its encoding equal to v3, which has the text of v1']);
    expect(name('Nothing like it')).toEqual([null, 'equal to no registered version']);
  });

  it('says when it is what a version became', () => {
    expect(name('Hi, changed.')).toEqual(['2', 'identical to v2 as it was changed after it was registered']);
    expect(names.text('2', null)).toBe('Hi.');
    expect(names.hash('2')).toBe(contentHashes(textBody('Hi.')).strict);
    expect(names.text('9', null)).toBeNull();
  });
});
