/** Pushes of watched places. A push is a hint to look now; what it says about content is not read. */

import { z } from 'zod';
import { Push } from '../answers.ts';
import { route } from '../route.ts';

/** The largest pushes carry a prompt and its predecessor. */
const PUSH_BYTES_MAX = 1024 * 1024;

export const webhookRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/webhooks/{source}',
    summary:
      'A push of a watched place: its targets are looked at now. The signature, or the secret of its webhook, is the key.',
    // Whoever pushes has no key of ours; the source's plugin checks what it has instead, over the request as it came.
    scope: 'public',
    rawBodyBytesMax: PUSH_BYTES_MAX,
    params: z.strictObject({ source: z.string() }),
    answer: Push,
    statuses: [202],
    handle: async ({ params, raw }, api) => ({
      status: 202,
      json: { looking_at: await api.takePush(params.source, raw) },
    }),
  }),
];
