/** Looks into a zod schema for the keys that are allowed at a path, so that a typo can be answered. */

import type { z } from 'zod';

/** All keys that some object schema allows at `path`; empty where any key is allowed. */
export function knownKeys(schema: z.ZodType, path: readonly (string | number)[]): readonly string[] {
  let here: readonly z.core.$ZodType[] = unwrap(schema);
  for (const step of path) here = here.flatMap((candidate) => child(candidate, step)).flatMap(unwrap);
  const keys = here.flatMap((candidate) => {
    const definition = definitionOf(candidate);
    return definition.type === 'object' ? Object.keys(definition.shape) : [];
  });
  return [...new Set(keys)];
}

function definitionOf(schema: z.core.$ZodType): z.core.$ZodTypes['_zod']['def'] {
  return (schema as z.ZodType).def as z.core.$ZodTypes['_zod']['def'];
}

function child(schema: z.core.$ZodType, step: string | number): readonly z.core.$ZodType[] {
  const definition = definitionOf(schema);
  if (definition.type === 'array') return [definition.element];
  if (definition.type === 'record') return [definition.valueType];
  if (definition.type === 'tuple') return definition.items.slice(Number(step), Number(step) + 1);
  if (definition.type !== 'object') return [];
  const found = definition.shape[String(step)] ?? definition.catchall;
  return found === undefined ? [] : [found];
}

/** The schemas behind optional, default, lazy, pipes and unions. */
function unwrap(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const definition = definitionOf(schema);
  if (definition.type === 'union') return definition.options.flatMap(unwrap);
  if (definition.type === 'pipe') return [...unwrap(definition.in), ...unwrap(definition.out)];
  if (definition.type === 'intersection') return [...unwrap(definition.left), ...unwrap(definition.right)];
  if (definition.type === 'lazy') return unwrap(definition.getter());
  return 'innerType' in definition ? unwrap(definition.innerType) : [schema];
}
