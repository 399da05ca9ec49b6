/** What is registered: prompts, their versions, their pins. */

import { z } from 'zod';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import { listOf, Prompt, Version } from '../answers.ts';
import { memoryPage } from '../memory-page.ts';
import { paging } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { route } from '../route.ts';
import { page, pinShape, versionShape } from '../shapes.ts';

export const promptRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/prompts',
    summary: 'Registered prompts with their newest version and their pins.',
    scope: 'read',
    query: z.strictObject({ ...paging }),
    answer: listOf(Prompt),
    handle: async ({ query }, api) => {
      const { versions, pins } = api.registry();
      const included = new Set(versions.flatMap(({ components }) => components.map(({ id }) => id)));
      const newest = new Map<string, { version: RegisteredVersion; count: number }>();
      for (const version of versions) {
        const count = (newest.get(version.prompt)?.count ?? 0) + 1;
        newest.set(version.prompt, { version, count });
      }
      const shape = ([id, { version, count }]: readonly [string, { version: RegisteredVersion; count: number }]) => ({
        id,
        owner: version.owner,
        tags: version.tags,
        component: version.isComponent,
        newest_version: version.version,
        versions: count,
        included_by: included.has(id) ? api.includedBy(id) : [],
        pins: pins.filter((pin) => pin.prompt === id).map(pinShape),
      });
      return {
        json: page(
          memoryPage([...newest], ([id]) => id, query),
          shape,
        ),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/prompts/{id}/versions',
    summary: 'The registered versions of a prompt, oldest first, with their texts.',
    scope: 'read',
    params: z.strictObject({ id: z.string() }),
    query: z.strictObject({ ...paging }),
    answer: listOf(Version),
    handle: async ({ params, query }, api) => {
      const versions = await api.versions(params.id);
      if (versions.length === 0)
        throw notFound(`The prompt ${params.id}`, 'GET /api/v1/prompts lists what is registered.');
      return { json: page(memoryPage(versions, keyOf, query), versionShape) };
    },
  }),
];

function keyOf({ registry, version, variants: [variant] }: RegisteredVersion): string {
  return JSON.stringify([registry, version, variant.hashes.strict]);
}
