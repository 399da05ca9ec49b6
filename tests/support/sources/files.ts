/** Files in a directory of their own. */

import { mkdir, mkdtemp, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

export const filesFixture: SourceFixture = {
  type: 'files',
  async open() {
    const outer = await mkdtemp(join(tmpdir(), 'plumbline-files-'));
    const directory = join(outer, 'live');
    await mkdir(directory);
    const path = (prompt: string): string => join(directory, `${prompt}.txt`);
    for (const prompt of PROMPTS) await writeFile(path(prompt), originalText(prompt));
    await writeFile(join(directory, '.intent.txt.swp'), 'An editor keeps this.');
    await writeFile(join(directory, 'picture.txt'), Buffer.from([0xff, 0xd8, 0x00]));
    return {
      config: { discover: directory },
      targets: PROMPTS.map((prompt) => ({ prompt, config: { path: path(prompt) } })),
      secrets: [],
      editor: null,
      text: (prompt) => readFileSync(path(prompt), 'utf8'),
      edit: (prompt, text) => writeFile(path(prompt), text),
      movePointer: null,
      remove: (prompt) => unlink(path(prompt)),
      troubles: ['gone', 'huge', 'truncated'],
      trouble: async (kind) => {
        if (kind === 'gone') await rename(directory, `${directory}-unmounted`);
        else if (kind === 'huge') for (const prompt of PROMPTS) await truncate(path(prompt), 50_000_000);
        // Half a character: not text any more.
        else if (kind === 'truncated')
          for (const prompt of PROMPTS) await writeFile(path(prompt), Buffer.from([0xe2, 0x80]));
        else {
          await rename(`${directory}-unmounted`, directory).catch(() => undefined);
          for (const prompt of PROMPTS) await writeFile(path(prompt), originalText(prompt));
        }
      },
      close: () => rm(outer, { recursive: true, force: true }),
    };
  },
};
