/** In which message with others an alert went out: what it was about can be asked for by that. */

import type { Migration } from './migration.ts';

export const deliveryMessages: Migration = {
  id: 13,
  name: 'delivery-messages',
  statements: ({ onCluster }) => [
    `ALTER TABLE deliveries ${onCluster} ADD COLUMN IF NOT EXISTS message String DEFAULT ''`,
  ],
};
