/** A configuration field that is a path into JSON: checked when the configuration is read, not at the first poll. */

import { z } from 'zod';
import { describeError } from '../../src/contract/fault.ts';
import { parseJsonPath } from '../../src/lib/json-path.ts';

export function jsonPath() {
  return z
    .string()
    .min(1)
    .superRefine((text, context) => {
      try {
        parseJsonPath(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: describeError(error) });
      }
    });
}
