/** A Kubernetes API server with ConfigMaps and Secrets: resource versions, managed fields, labels, pages, conflicts. */

import type { ServerResponse } from 'node:http';
import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.service-account';

interface Thing {
  readonly label: string;
  readonly type?: string;
  data: Record<string, string>;
  resourceVersion: number;
  managers: { manager: string; operation: string; time: string; fieldsV1: Record<string, Record<string, object>> }[];
}

/** Kubernetes tells times in whole seconds. */
const wholeSecond = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+/, '');

const inSecret = (prompt: string): boolean => prompt === 'triage';

export async function openKubernetes(now = ticking()) {
  const things: Record<string, Thing> = {
    'configmaps/prompts': { label: 'prompts', data: {}, resourceVersion: 1, managers: [] },
    'configmaps/settings': { label: 'web', data: { color: 'blue' }, resourceVersion: 1, managers: [] },
    'secrets/certificate': {
      label: 'prompts',
      type: 'kubernetes.io/tls',
      data: { 'tls.key': 'LS0t' },
      resourceVersion: 1,
      managers: [],
    },
    'secrets/prompts': { label: 'prompts', type: 'Opaque', data: {}, resourceVersion: 1, managers: [] },
  };
  let mayWatch = true;
  let maySeeSecrets = true;
  const thingOf = (prompt: string): Thing =>
    things[inSecret(prompt) ? 'secrets/prompts' : 'configmaps/prompts'] as Thing;
  const write = (thing: Thing, data: Record<string, string>, manager: string): void => {
    const changed = Object.keys(data).filter((key) => data[key] !== thing.data[key]);
    for (const entry of thing.managers.filter((each) => each.operation === 'Update'))
      for (const key of changed) delete entry.fieldsV1['f:data']?.[`f:${key}`];
    const fieldsV1 = { 'f:data': Object.fromEntries(changed.map((key) => [`f:${key}`, {}])) };
    thing.managers.push({ manager, operation: 'Update', time: wholeSecond(now()), fieldsV1 });
    thing.data = data;
    thing.resourceVersion += 1;
    const path = Object.keys(things).find((each) => things[each] === thing) ?? '';
    tell({ type: 'MODIFIED', path });
  };
  /** Everything that happened to objects, in order; its length is the version of every collection. */
  const happened: { readonly type: string; readonly path: string }[] = [];
  const watching = new Set<{ readonly collection: string; readonly response: ServerResponse }>();
  /** Events before this one are forgotten. */
  let forgotten = 0;
  const endAll = (): void => {
    for (const { response } of watching) response.end();
    watching.clear();
  };
  const send = (response: ServerResponse, event: { type: string; object: object }): void =>
    void response.write(`${JSON.stringify(event)}\n`);
  const metadataOf = (path: string, version: number): object => ({
    kind: 'PartialObjectMetadata',
    metadata: { name: path.split('/')[1], resourceVersion: String(version) },
  });
  const tell = (event: { readonly type: string; readonly path: string }): void => {
    const version = happened.push(event);
    for (const { collection, response } of watching)
      if (event.path.startsWith(`${collection}/`))
        send(response, { type: event.type, object: metadataOf(event.path, version) });
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
  const objectOf = (path: string, { label, type, data, resourceVersion, managers }: Thing) => {
    const name = path.split('/')[1];
    return {
      apiVersion: 'v1',
      kind: path.startsWith('secrets') ? 'Secret' : 'ConfigMap',
      metadata: {
        name,
        namespace: 'checkout',
        labels: { app: label },
        resourceVersion: String(resourceVersion),
        managedFields: managers,
      },
      ...(type === undefined ? {} : { type }),
      data,
    };
  };
  const server = await serveApi(({ method, parts, query, headers, body }) => {
    const status = (code: number, reason: string, message: string) => ({
      status: code,
      body: { kind: 'Status', status: 'Failure', reason, message, code },
    });
    if (headers['authorization'] !== `Bearer ${TOKEN}`) return status(401, 'Unauthorized', 'Unauthorized');
    const [, , , namespace, collection, name] = parts;
    if (namespace === 'checkout' && name === undefined && query.get('watch') === '1') {
      const since = Number(query.get('resourceVersion'));
      if (since < forgotten)
        return {
          body: (response: ServerResponse) =>
            response.end(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`),
        };
      return {
        body: (response: ServerResponse) => {
          for (const [index, event] of happened.entries())
            if (index >= since && event.path.startsWith(`${collection}/`))
              send(response, { type: event.type, object: metadataOf(event.path, index + 1) });
          const watcher = { collection: collection ?? '', response };
          watching.add(watcher);
          response.once('close', () => watching.delete(watcher));
        },
      };
    }
    if (namespace === 'checkout' && name === undefined && query.get('limit') === '1')
      return mayWatch
        ? { body: { metadata: { resourceVersion: String(happened.length) }, items: [] } }
        : status(403, 'Forbidden', 'may not list');
    if (namespace === 'checkout' && name === undefined) {
      if (collection === 'secrets' && !maySeeSecrets) return status(403, 'Forbidden', 'secrets is forbidden');
      const listed = Object.entries(things).filter(
        ([path, { label }]) => path.startsWith(`${collection}/`) && query.get('labelSelector') === `app=${label}`,
      );
      const { page, next } = pageOf(listed, Number(query.get('continue') ?? 0), 1);
      const items = page.map(([path, thing]) => objectOf(path, thing));
      return { body: { kind: 'List', metadata: next === null ? {} : { continue: String(next) }, items } };
    }
    const thing = namespace === 'checkout' ? things[`${collection}/${name}`] : undefined;
    if (thing === undefined) return status(404, 'NotFound', `${collection} "${name}" not found`);
    if (method === 'PUT') {
      if (body.metadata.resourceVersion !== String(thing.resourceVersion))
        return status(409, 'Conflict', 'the object has been modified');
      write(thing, body.data, 'plumbline');
    }
    return { body: objectOf(`${collection}/${name}`, thing) };
  });
  return {
    things,
    /** The server ends all watches, as it does after their time. */
    endWatches: endAll,
    /** It ends them, and no longer knows what happened before. */
    forget: () => {
      forgotten = happened.push({ type: 'ADDED', path: 'configmaps/of-somebody' });
      endAll();
    },
    forbidSecrets: () => void (maySeeSecrets = false),
    forbidWatching: () => void (mayWatch = false),
    watches: () => watching.size,
    ...httpPlace(server, 'name', {
      config: { base_url: server.origin, token: TOKEN, namespace: 'checkout', discover: 'app=prompts' },
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
