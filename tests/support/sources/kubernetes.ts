/** A Kubernetes API server with one ConfigMap and one Secret: resource versions, managed fields, conflicts. */

import { httpPlace, ticking } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.service-account';

interface Thing {
  data: Record<string, string>;
  resourceVersion: number;
  managers: { manager: string; operation: string; time: string; fieldsV1: Record<string, Record<string, object>> }[];
}

const inSecret = (prompt: string): boolean => prompt === 'triage';

export async function openKubernetes() {
  const now = ticking();
  const things: Record<string, Thing> = {
    'configmaps/prompts': { data: {}, resourceVersion: 1, managers: [] },
    'secrets/prompts': { data: {}, resourceVersion: 1, managers: [] },
  };
  const thingOf = (prompt: string): Thing =>
    things[inSecret(prompt) ? 'secrets/prompts' : 'configmaps/prompts'] as Thing;
  const write = (thing: Thing, data: Record<string, string>, manager: string): void => {
    const changed = Object.keys(data).filter((key) => data[key] !== thing.data[key]);
    for (const entry of thing.managers.filter((each) => each.operation === 'Update'))
      for (const key of changed) delete entry.fieldsV1['f:data']?.[`f:${key}`];
    const fieldsV1 = { 'f:data': Object.fromEntries(changed.map((key) => [`f:${key}`, {}])) };
    thing.managers.push({ manager, operation: 'Update', time: new Date(now()).toISOString(), fieldsV1 });
    thing.data = data;
    thing.resourceVersion += 1;
  };
  const encode = (prompt: string, text: string): string =>
    inSecret(prompt) ? Buffer.from(text).toString('base64') : text;
  for (const prompt of PROMPTS) {
    const thing = thingOf(prompt);
    write(thing, { ...thing.data, [prompt]: encode(prompt, originalText(prompt)) }, 'helm');
  }
  // Another program declared every key long ago, and owns them still.
  for (const thing of Object.values(things)) {
    const fieldsV1 = { 'f:data': Object.fromEntries(PROMPTS.map((prompt) => [`f:${prompt}`, {}])) };
    thing.managers.unshift({ manager: 'argocd', operation: 'Apply', time: '2020-01-01T00:00:00Z', fieldsV1 });
  }
  const server = await serveApi(({ method, parts, headers, body }) => {
    const status = (code: number, reason: string, message: string) => ({
      status: code,
      body: { kind: 'Status', status: 'Failure', reason, message, code },
    });
    if (headers['authorization'] !== `Bearer ${TOKEN}`) return status(401, 'Unauthorized', 'Unauthorized');
    const [, , , namespace, collection, name] = parts;
    const thing = namespace === 'checkout' ? things[`${collection}/${name}`] : undefined;
    if (thing === undefined) return status(404, 'NotFound', `${collection} "${name}" not found`);
    if (method === 'PUT') {
      if (body.metadata.resourceVersion !== String(thing.resourceVersion))
        return status(409, 'Conflict', 'the object has been modified');
      write(thing, body.data, 'plumbline');
    }
    const metadata = { name, namespace, resourceVersion: String(thing.resourceVersion), managedFields: thing.managers };
    return {
      body: { apiVersion: 'v1', kind: collection === 'secrets' ? 'Secret' : 'ConfigMap', metadata, data: thing.data },
    };
  });
  return {
    things,
    ...httpPlace(server, 'name', {
      config: { base_url: server.origin, token: TOKEN, namespace: 'checkout' },
      targets: PROMPTS.map((prompt) => ({
        prompt,
        config: { kind: inSecret(prompt) ? 'secret' : 'configmap', name: 'prompts', key: prompt },
      })),
      secrets: [TOKEN],
      editor: 'kubectl-edit',
      text: (prompt) => {
        const value = thingOf(prompt).data[prompt] ?? '';
        return inSecret(prompt) ? Buffer.from(value, 'base64').toString() : value;
      },
      edit: (prompt, text) =>
        write(thingOf(prompt), { ...thingOf(prompt).data, [prompt]: encode(prompt, text) }, 'kubectl-edit'),
      remove: (prompt) => {
        const { [prompt]: _gone, ...data } = thingOf(prompt).data;
        write(thingOf(prompt), data, 'kubectl-edit');
      },
    }),
  };
}

export const kubernetesFixture: SourceFixture = { type: 'kubernetes', open: openKubernetes };
