/**
 * What step 16 has copied. A step of its own: after it there is nothing to copy any more. The tables stay, empty: another
 * replica may just be copying, and one of an older release writes into them.
 */

import type { Migration } from './migration.ts';

export const oldContent: Migration = {
  id: 17,
  name: 'old-content',
  statements: ({ onCluster }) => [
    `TRUNCATE TABLE IF EXISTS message_lists ${onCluster}`,
    `TRUNCATE TABLE IF EXISTS variables ${onCluster}`,
  ],
};
