/** `npm run bench -- NAME [args]`: runs `bench/NAME.ts`; without a name, lists what there is. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What a bench exports: measures, and prints what it measured. */
export type Bench = (args: readonly string[]) => Promise<void>;

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3))
  .toSorted();

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  console.log(`npm run bench -- NAME, one of: ${names.join(', ')}`);
} else if (!names.includes(name)) {
  console.error(`There is no bench "${name}". There are: ${names.join(', ')}`);
  process.exitCode = 2;
} else {
  const bench = (await import(join(import.meta.dirname, `${name}.ts`))) as { readonly run?: Bench };
  if (bench.run === undefined) throw new Error(`bench/${name}.ts exports no function "run".`);
  await bench.run(args);
}
