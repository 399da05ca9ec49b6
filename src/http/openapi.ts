/** Writes `/openapi.json` from the routes themselves. Pure. */

import { z } from 'zod';
import type { AnyRoute } from './route.ts';

type JsonSchema = Record<string, unknown>;

export function openApiDocument(routes: readonly AnyRoute[], version: string): object {
  const paths: Record<string, Record<string, unknown>> = {};
  const schemas: Record<string, unknown> = { Problem: PROBLEM_SCHEMA };
  for (const route of routes) {
    const operations = (paths[route.path] ??= {});
    operations[route.method.toLowerCase()] = namedOnce(operation(route), schemas);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Plumbline', version, description: 'Shows when a production prompt is out of true.' },
    paths,
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } }, schemas },
  };
}

function operation(route: AnyRoute): object {
  return {
    summary: route.summary,
    ...(route.scope === 'public' ? {} : { security: [{ key: [route.scope] }] }),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.rawBodyBytesMax === undefined
      ? {}
      : { requestBody: { required: true, content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body) } } } }),
    responses: {
      ...Object.fromEntries((route.statuses ?? [200]).map((status) => [status, answerOf(route)])),
      default: {
        description: 'A problem.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function answerOf({ answer }: AnyRoute): object {
  const isText = { schema: { type: 'string' } };
  if ('contentType' in answer) return { description: 'Fine.', content: { [answer.contentType]: isText } };
  const [form, otherTypes] = 'otherTypes' in answer ? [answer.json, answer.otherTypes] : [answer, []];
  const content = {
    'application/json': { schema: schemaOf(form) },
    ...Object.fromEntries(otherTypes.map((type) => [type, isText])),
  };
  return { description: 'Fine.', content };
}

const NAMED = '#/components/schemas/';

/** Forms that have a name stand once in the whole document, and not in each schema that uses them. */
function namedOnce(node: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((item) => namedOnce(item, schemas));
  if (node === null || typeof node !== 'object') return node;
  const { $defs = {}, $schema: _draft, ...rest } = node as Readonly<Record<string, unknown>>;
  for (const [name, schema] of Object.entries($defs as object)) schemas[name] ??= namedOnce(schema, schemas);
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => {
      const isReference = key === '$ref' && typeof value === 'string';
      return [key, isReference ? value.replace('#/$defs/', NAMED) : namedOnce(value, schemas)];
    }),
  );
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    hint: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};
