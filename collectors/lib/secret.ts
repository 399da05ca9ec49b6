/** A field that holds a credential: marked in the schema, so that its value is never shown. */

import { z } from 'zod';

export function secret() {
  return z.string().min(1).meta({ secret: true });
}
