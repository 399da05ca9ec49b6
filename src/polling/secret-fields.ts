/** Finds the values of a configuration that its plugin marked as secret, however they were written. Pure. */

import { z } from 'zod';

type Schema = Readonly<Record<string, unknown>>;

/** Values at every place whose schema says `secret: true` in its metadata, and all header values. */
export function secretValues(schema: z.ZodType, value: unknown): readonly string[] {
  const found: string[] = [];
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema, value, found);
  return found;
}

function walk(schema: Schema, value: unknown, found: string[]): void {
  if (schema['secret'] === true) collectStrings(value, found);
  for (const branch of [schema['anyOf'], schema['oneOf'], schema['allOf']]) {
    if (Array.isArray(branch)) for (const nested of branch) walk(nested as Schema, value, found);
  }
  if (typeof value !== 'object' || value === null) return;
  const properties = schema['properties'] as Readonly<Record<string, Schema>> | undefined;
  for (const [key, nested] of Object.entries(value)) {
    const property = properties?.[key] ?? schema['items'] ?? schema['additionalProperties'];
    if (typeof property === 'object' && property !== null) walk(property as Schema, nested, found);
  }
}

function collectStrings(value: unknown, found: string[]): void {
  if (typeof value === 'string') found.push(value);
  else if (typeof value === 'object' && value !== null) {
    for (const nested of Object.values(value)) collectStrings(nested, found);
  }
}
