import { describe, expect, it } from 'vitest';
import { versionNames } from '../../src/store/timeline/version-names.ts';
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

  it('shows of a hash its own text, and none for one that was never registered', () => {
    const [first, changed, never] = ['Hi.', 'Hi, changed.', 'Hi, never.'].map(
      (text) => contentHashes(textBody(text)).strict,
    );
    if (first === undefined || changed === undefined || never === undefined)
      throw new Error('three texts, three hashes');
    expect([names.text('2', first), names.doubt('2', first)]).toEqual(['Hi.', []]);
    expect(names.text('2', changed)).toBe('Hi, changed.');
    expect(names.doubt('2', changed)).toMatchObject([{ kind: 'changed_version' }]);
    expect(names.text('2', never)).toBeNull();
    expect(names.doubt('2', never)).toMatchObject([{ words: 'no text with this hash was ever registered as v2' }]);
  });
});
