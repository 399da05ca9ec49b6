/** Runs git for one question: never at a prompt, never for ever, never with a secret on its command line. */

import { spawn } from 'node:child_process';
import { Fault } from '../../src/contract/fault.ts';
import { OTHER_REPOSITORY } from '../../src/lib/git-environment.ts';
import { formatBytes } from '../../src/lib/http.ts';

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** What git said went wrong, without credentials that an address may hold. */
  readonly complaint: string;
}

export interface GitOptions {
  readonly signal: AbortSignal;
  /** What git reads from its standard input. */
  readonly input?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Sent to the remote as a header; git reads it from its environment. */
  readonly authorization?: { readonly origin: string; readonly header: string } | undefined;
}

const STDOUT_BYTES_MAX = 8 * 1024 * 1024;
const STDERR_CHARACTERS_MAX = 8 * 1024;
// Time for git to remove its lock files when it is told to stop.
const KILL_AFTER_MS = 2_000;

/** Answers with whatever exit code; throws when git can't be run, says too much, or the signal aborts. */
export function runGit(args: readonly string[], options: GitOptions): Promise<GitAnswer> {
  const { signal } = options;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['--literal-pathspecs', '-c', 'core.askPass=true', ...args], {
      env: environmentOf(options),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // A session of its own has no terminal to ask at, and its helpers end with it.
      detached: true,
    });
    // A git that ends before it has read everything says why in its own words.
    child.stdin?.on('error', () => undefined).end(options.input);
    const chunks: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    let failure: unknown = null;
    let killTimer: NodeJS.Timeout | undefined;
    const end = (reason: unknown): void => {
      failure ??= reason;
      killGroup(child.pid, 'SIGTERM');
      killTimer ??= setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
    };
    const onAbort = (): void => end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > STDOUT_BYTES_MAX)
        end(new Fault('permanent', `git answered with more than ${formatBytes(STDOUT_BYTES_MAX)}.`));
      else chunks.push(chunk);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS_MAX);
    });
    child.on('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(new Fault('config', `git can't be run: ${error.message}.`, { hint: 'Install git.', cause: error }));
    });
    child.on('close', (code) => {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', onAbort);
      if (failure === null)
        resolve({ exitCode: code ?? 1, stdout: Buffer.concat(chunks), complaint: complaintOf(stderr) });
      else reject(failure);
    });
  });
}

function environmentOf({ environment = {}, authorization }: GitOptions): Record<string, string> {
  const result: Record<string, string> = { PATH: '/usr/local/bin:/usr/bin:/bin' };
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !OTHER_REPOSITORY.has(name)) result[name] = value;
  }
  Object.assign(result, {
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    GCM_INTERACTIVE: 'never',
  });
  result['GIT_SSH_COMMAND'] ??= 'ssh -o BatchMode=yes';
  if (authorization !== undefined) {
    const index = Number(result['GIT_CONFIG_COUNT'] ?? 0);
    result['GIT_CONFIG_COUNT'] = String(index + 1);
    result[`GIT_CONFIG_KEY_${index}`] = `http.${authorization.origin}/.extraHeader`;
    result[`GIT_CONFIG_VALUE_${index}`] = authorization.header;
  }
  return result;
}

/** git starts helpers (ssh, git-remote-https): the whole group ends, or they would go on alone. */
function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

function complaintOf(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((candidate) => /^(fatal|error|remote):/.test(candidate)) ?? lines.at(-1) ?? '';
  return line.replaceAll(/\/\/[^/@\s]*@/g, '//').slice(0, 300);
}
