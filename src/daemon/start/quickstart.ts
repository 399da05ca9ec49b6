/**
 * The quick start: a working copy of the bundled example, its application as a child process, and
 * somebody who edits a production prompt by hand after a few seconds.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Component } from '../../contract/component.ts';
import { makeDirectory } from '../../lib/files.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { directoryInUse, directoryOwner } from '../../store/engine/data-directory.ts';
import { quickstartDirectory } from './find-running.ts';

/** What a user may look at and edit; the rest of the example is code. */
const COPIED = ['plumbline.yaml', 'prompts', 'prompts.lock.yaml', 'live'];
/** Long enough for a first poll, and for some calls with the right text. */
const EDIT_AFTER_MS = 6_000;
const EDITED_FILE = 'live/intent-classifier.txt';

/** Copies the example to `.plumbline/quickstart` below `workingDirectory`. Returns its configuration file. */
export async function prepareQuickstart(workingDirectory: string): Promise<string> {
  const directory = quickstartDirectory(workingDirectory);
  const data = join(directory, 'data');
  const owner = await directoryOwner(data);
  if (owner !== null) throw directoryInUse(data, owner);
  await rm(directory, { recursive: true, force: true });
  await makeDirectory(directory);
  const bundled = join(packageRoot(), 'examples', 'quickstart');
  await Promise.all(COPIED.map((entry) => cp(join(bundled, entry), join(directory, entry), { recursive: true })));
  return join(directory, 'plumbline.yaml');
}

export interface QuickstartOptions {
  readonly directory: string;
  readonly workingDirectory: string;
  readonly otlpAddress: () => string;
  readonly print: (text: string) => void;
  /** Command lines to try, each with what it shows. */
  readonly hints: readonly (readonly [command: string, what: string])[];
  readonly onApplicationEnd: (code: number | null) => void;
}

/** Runs the sample application and makes the edit. */
export class Quickstart implements Component {
  readonly name = 'quickstart';
  readonly #options: QuickstartOptions;
  #application: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: QuickstartOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { directory, workingDirectory, otlpAddress, print, hints } = this.#options;
    // The same place from the sources and from the compiled package.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const main = fileURLToPath(new URL(`../../../examples/quickstart/app/main.${extension}`, import.meta.url));
    const application = spawn(process.execPath, [main, join(directory, 'live'), otlpAddress()], {
      // Its standard input is how it notices that we are gone, however that happened.
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    application.once('exit', (code) => {
      if (this.#application === application) this.#options.onApplicationEnd(code);
    });
    this.#application = application;
    const shown = relative(workingDirectory, directory) || '.';
    const width = Math.max(...hints.map(([command]) => command.length));
    print(
      [
        '',
        `Quick start: a support desk with four prompts runs in ${shown}; it calls a local model and sends`,
        `traces here. In ${EDIT_AFTER_MS / 1000} seconds somebody edits one of its production prompts by hand.`,
        'Meanwhile, in another terminal:',
        ...hints.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`),
        '',
      ].join('\n'),
    );
    this.#timer = setTimeout(() => {
      this.#edit(join(directory, EDITED_FILE), join(shown, EDITED_FILE)).catch((error: unknown) =>
        print(`The edit failed: ${String(error)}`),
      );
    }, EDIT_AFTER_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const application = this.#application;
    this.#application = null;
    if (application === null || application.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      application.once('exit', () => resolve());
    });
    application.kill('SIGTERM');
    await ended;
  }

  async #edit(file: string, shown: string): Promise<void> {
    const before = await readFile(file, 'utf8');
    const after = editByHand(before);
    await writeFile(file, after);
    this.#options.print(`Somebody just edited ${shown}.`);
  }
}

/** The kind of edit that looks harmless: one rule softened in a hurry. Throws if the prompt is another one. */
export function editByHand(text: string): string {
  const edited = text.replace('answer "other". Never invent a new intent.', 'answer with the intent that sounds best.');
  if (edited === text) throw new Error('The prompt is not the one that the quick start ships.');
  return edited;
}
