/** `scripts/install.mjs`: when `npm start` and `npm test` install, and when they need not. */

import { expect, test } from 'vitest';
import { whyInstall } from '../../scripts/install.mjs';

const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/yaml': { version: '2.9.1' },
    'node_modules/vitest': { version: '4.1.11', dev: true },
    'node_modules/@chdb/lib-darwin-arm64': { version: '26.7.3', optional: true },
    'node_modules/@rolldown/binding-darwin-x64': { version: '1.0.0', dev: true, optional: true },
  },
};
const yaml = { 'node_modules/yaml': { version: '2.9.1' } };
const vitest = { 'node_modules/vitest': { version: '4.1.11', dev: true } };

test('nothing to do when all is there but what belongs to other platforms', () => {
  expect(whyInstall(wanted, { packages: { ...yaml, ...vitest } }, true)).toBeNull();
});

test('installs at first, and after a package was added or updated', () => {
  expect(whyInstall(wanted, null, false)).toBe('first start');
  expect(whyInstall(wanted, { packages: vitest }, false)).toBe('yaml 2.9.1 is new');
  const older = { packages: { 'node_modules/yaml': { version: '2.9.0' }, ...vitest } };
  expect(whyInstall(wanted, older, false)).toBe('yaml 2.9.1 is new');
});

test('what only tests need is needed only for tests', () => {
  expect(whyInstall(wanted, { packages: yaml }, false)).toBeNull();
  expect(whyInstall(wanted, { packages: yaml }, true)).toBe('vitest 4.1.11 is new');
});
