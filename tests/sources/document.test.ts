/** The table of sources is what the code says. */

import { expect, it } from 'vitest';
import { sourcesDocument } from '../support/sources/document.ts';

it('docs/sources.md is generated from the plugins', async () => {
  await expect(sourcesDocument()).toMatchFileSnapshot('../../docs/sources.md');
});
