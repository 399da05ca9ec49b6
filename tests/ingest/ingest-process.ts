/** The ingest with its HTTP receiver as a process of its own, to be killed. Arguments: a data directory. */

import { openIngest } from '../support/open-ingest.ts';

const [directory] = process.argv.slice(2) as [string];
// Short and small, so that a kill falls into every kind of moment.
const ingest = await openIngest(directory, { quietMs: 100, provisionalMs: 300, spoolSegmentBytesMax: 200_000 });
process.on('SIGTERM', () => void ingest.stop());
console.log(`listening ${ingest.port}`);
