/** All steps of the schema, in order. */

import { foundation } from './0001-foundation.ts';
import { telemetry } from './0002-telemetry.ts';
import { restores } from './0003-restores.ts';
import { variables } from './0004-variables.ts';
import { twinKeys } from './0005-twin-keys.ts';
import { usageHours } from './0006-usage-hours.ts';
import { sightings } from './0007-sightings.ts';
import { tokenParts } from './0008-token-parts.ts';
import { pinLooks } from './0009-pin-looks.ts';
import { webSearches } from './0010-web-searches.ts';
import { sightingsReceived } from './0011-sightings-received.ts';
import { usageQuality } from './0012-usage-quality.ts';
import { deliveryMessages } from './0013-delivery-messages.ts';
import { askedAt } from './0014-asked-at.ts';
import { sightingsRepriced } from './0015-sightings-repriced.ts';
import { retention } from './0016-retention.ts';
import { oldContent } from './0017-old-content.ts';
import { outputDrift } from './0018-output-drift.ts';
import { audit } from './0019-audit.ts';
import { views } from './0020-views.ts';
import { outputReadHours } from './0021-output-read-hours.ts';
import { baselines } from './0022-baselines.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  foundation,
  telemetry,
  restores,
  variables,
  twinKeys,
  usageHours,
  sightings,
  tokenParts,
  pinLooks,
  webSearches,
  sightingsReceived,
  usageQuality,
  deliveryMessages,
  askedAt,
  sightingsRepriced,
  retention,
  oldContent,
  outputDrift,
  audit,
  views,
  outputReadHours,
  baselines,
];
