/** The address of an API, so that self-hosted and regional ones work; http or https. */

import { z } from 'zod';

export function baseUrl(usual: string) {
  return z.url({ protocol: /^https?$/, error: 'is not an http or https address' }).default(usual);
}
