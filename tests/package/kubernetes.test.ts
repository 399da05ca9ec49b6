/** The example for Kubernetes, checked without a cluster: its parts agree with one another, with the image and with the daemon. */

import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { sourcePlugins } from '../../collectors/index.ts';
import { CHANNEL_PLUGINS } from '../../src/channels/index.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { API_ROUTES } from '../../src/http/server.ts';
import { readPromptFile } from '../../src/registry/prompt-file.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const text = read('examples/kubernetes/plumbline.yaml');
const documents = parseAllDocuments(text, { strict: true });
const objects: readonly any[] = documents.map((document) => document.toJS());
const ofKind = (kind: string): readonly any[] => objects.filter((object) => object.kind === kind);
const named = (kind: string, name: string): any => ofKind(kind).find(({ metadata }) => metadata.name === name);
const { spec: statefulSet } = named('StatefulSet', 'plumbline');
const { spec: pod } = statefulSet.template;
const [container] = pod.containers;
const SECRET = 'a-secret-of-twenty-letters';

/** The files below /config, as the volume lays them out. */
function configurationFiles(): ReadonlyMap<string, string> {
  const mount = container.volumeMounts.find(({ mountPath }: any) => mountPath === '/config');
  const { projected } = pod.volumes.find(({ name }: any) => name === mount.name);
  const files = new Map<string, string>();
  for (const { configMap } of projected.sources) {
    const { data } = named('ConfigMap', configMap.name);
    const items = configMap.items ?? Object.keys(data).map((key) => ({ key, path: key }));
    for (const { key, path } of items) files.set(path, data[key]);
  }
  return files;
}

test('it is YAML', () => {
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
});

test('each object says in which namespace it is, since kubectl refuses those of another one than it is told', () => {
  expect(objects.filter(({ metadata }) => metadata.namespace === undefined)).toEqual([]);
  const commands = text.split('\n').filter((line) => /^# +kubectl .*apply/.test(line));
  expect(commands).toEqual([expect.not.stringMatching(/ -n | --namespace/)]);
});

test('its configuration and its prompts are valid with the secrets that it has', () => {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-kubernetes-'));
  try {
    const files = configurationFiles();
    for (const [path, content] of files) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content);
    }
    const variables = Object.fromEntries(container.env.map(({ name, value }: any) => [name, value ?? SECRET]));
    const plugins = { sources: sourcePlugins, channels: CHANNEL_PLUGINS };
    const loaded = loadConfiguration('plumbline.yaml', plugins, variables, directory);
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    const prompts = [...files].filter(([path]) => path.startsWith('prompts/'));
    expect(prompts.flatMap(([path, content]) => readPromptFile(content, path).problems)).toEqual([]);
    const targets = loaded.ok ? loaded.configuration.sources.flatMap((source) => source.targets) : [];
    expect(prompts.map(([, content]) => /^id: (.*)$/m.exec(content)?.[1])).toEqual(targets.map(({ prompt }) => prompt));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('the secret that its first lines make has the keys that the container asks for', () => {
  const made = [...text.matchAll(/--from-literal=([\w-]+)=/g)].map((match) => match[1]);
  const asked = container.env.flatMap(({ valueFrom }: any) => valueFrom?.secretKeyRef ?? []);
  expect(new Set(asked.map(({ key }: any) => key))).toEqual(new Set(made));
  expect(asked.every(({ name }: any) => name === 'plumbline' && text.includes(`secret generic ${name} `))).toBe(true);
});

test('its ports are those of the image, and all of them are reached by a service', () => {
  const dockerfile = read('Dockerfile');
  const exposed = /^EXPOSE (.*)$/m.exec(dockerfile)?.[1]?.split(' ').map(Number);
  expect(container.ports.map(({ containerPort }: any) => containerPort)).toEqual(exposed);
  const served = ofKind('Service').flatMap(({ spec }) => spec.ports);
  expect(served.map(({ targetPort, port }: any) => [targetPort, port])).toEqual(
    container.ports.map(({ name, containerPort }: any) => [name, containerPort]),
  );
  for (const { spec } of ofKind('Service')) expect(spec.selector).toEqual(statefulSet.selector.matchLabels);
  expect(statefulSet.template.metadata.labels).toMatchObject(statefulSet.selector.matchLabels);
});

test('its probes ask what everybody may ask, and telemetry is taken while it is not ready', () => {
  const isPublic = (path: string): boolean => API_ROUTES.some((each) => each.path === path && each.scope === 'public');
  for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
    expect(isPublic(probe.httpGet.path)).toBe(true);
    expect(probe.httpGet.port).toBe('api');
  }
  expect(named('Service', 'plumbline-otlp').spec.publishNotReadyAddresses).toBe(true);
  expect(named('Service', 'plumbline').spec.publishNotReadyAddresses).toBeUndefined();
});

test('what it mounts is there, and it writes only where it may', () => {
  const volumes = [...pod.volumes, ...statefulSet.volumeClaimTemplates.map(({ metadata }: any) => metadata)];
  const names = new Set(volumes.map(({ name }) => name));
  expect(container.volumeMounts.filter(({ name }: any) => !names.has(name))).toEqual([]);
  const dockerfile = read('Dockerfile');
  const data = /^VOLUME (.*)$/m.exec(dockerfile)?.[1];
  expect(container.volumeMounts).toContainEqual({ name: 'data', mountPath: data });
  expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    fsGroup: Number(/^USER (\d+)/m.exec(dockerfile)?.[1]),
  });
});

test('whose account it has may read what is watched, in that namespace', () => {
  const { metadata } = named('ServiceAccount', pod.serviceAccountName);
  const [{ roleRef, subjects, metadata: binding }] = ofKind('RoleBinding');
  expect(subjects).toContainEqual(expect.objectContaining({ kind: 'ServiceAccount', name: metadata.name }));
  const [role] = ofKind('Role');
  expect([roleRef.name, binding.namespace]).toEqual([role.metadata.name, role.metadata.namespace]);
  expect(configurationFiles().get('plumbline.yaml')).toContain(`namespace: ${role.metadata.namespace}`);
});
