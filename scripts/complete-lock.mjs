/**
 * Adds to package-lock.json the binaries of other platforms that npm left out, which happens where
 * the registry is a mirror that lacks them; `npm ci` refuses such a lock everywhere. Needed after an
 * update made behind such a mirror; `tests/tidy.test.ts` says when. What is added has no integrity
 * hash: npm takes it from the registry that has the package.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { ROOT } from './install.mjs';

const SYSTEMS = new Set(['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'win32']);
const PROCESSORS = new Set(['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64']);

const file = `${ROOT}/package-lock.json`;
const lock = JSON.parse(readFileSync(file, 'utf8'));
for (const [parent, name, version] of missingPlatforms(lock)) {
  lock.packages[`node_modules/${name}`] = {
    version,
    ...(parent.dev ? { dev: true } : {}),
    optional: true,
    ...platformOf(name),
  };
}
const [root, ...rest] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...rest.toSorted(([a], [b]) => a.localeCompare(b, 'en'))]);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);

/** Optional dependencies of locked packages that are not locked themselves. Those with a range are nobody's binary. */
function* missingPlatforms({ packages }) {
  for (const [path, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const locked = packages[`node_modules/${name}`] ?? packages[`${path}/node_modules/${name}`];
      if (locked === undefined && /^\d/.test(version)) yield [parent, name, version];
    }
  }
}

/** These packages say in their name what they are for: `@oxlint/binding-linux-x64-musl`, `lib-darwin-arm64`. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = words.find((word) => SYSTEMS.has(word));
  const cpu = words.find((word) => PROCESSORS.has(word));
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc';
  const hasLibc = os === 'linux' && words.some((word) => /^(musl|gnu)/.test(word));
  return {
    ...(os === undefined ? {} : { os: [os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(hasLibc ? { libc: [libc] } : {}),
  };
}
