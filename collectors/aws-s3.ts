/** Prompts in objects of S3 or a compatible store, whole or a field of the JSON or YAML in one. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { singleText } from './lib/chat.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { allPages, type PageOf } from './lib/pages.ts';
import { PROPOSAL_BYTES_MAX, proposeTexts, type FoundText } from './lib/proposals.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  ...awsConfig,
  bucket: z.string().min(1),
  discover: z.string().optional().describe('For `discover`: how the keys of the objects with prompts begin.'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  key: z.string().min(1),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

interface Stored {
  readonly text: string;
  readonly etag: string;
}

export const awsS3 = sourcePlugin({
  type: 'aws-s3',
  summary: 'An object in S3 or a compatible store, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      region: 'eu-central-1',
      access_key_id: 'env:AWS_ACCESS_KEY_ID',
      secret_access_key: 'env:AWS_SECRET_ACCESS_KEY',
      bucket: 'acme-prompts',
      discover: 'live/',
    },
    targets: [{ key: 'live/intent-classifier.txt' }, { key: 'live/prompts.json', field: 'intent' }],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 's3', 's3');
    const { discover } = config;
    return {
      ...(discover === undefined
        ? {}
        : { discover: proposeTexts((signal) => findTexts(aws, config, discover, signal)) }),
      live: {
        read: (targets, known, signal) =>
          readEach(
            targets,
            signal,
            async (target) => (await readObject(aws, config, target, known.get(target.id), signal)).reading,
          ),
      },
      restore: {
        form: 'write',
        comparesAndSets: true,
        restore: (target, request, signal) => {
          let stored: Stored | null = null;
          const read = async (): Promise<Reading> => {
            const answer = await readObject(aws, config, target, undefined, signal);
            ({ stored } = answer);
            return answer.reading;
          };
          return rewrite(target.id, request, read, async () => {
            const { key, field } = target.config;
            const body = textWith(key, stored?.text ?? null, field, request.body);
            // The object that was compared, or none: S3 refuses when there is another.
            const condition: Record<string, string> =
              stored === null ? { 'if-none-match': '*' } : { 'if-match': stored.etag };
            const headers = { ...condition, 'content-type': 'text/plain; charset=utf-8' };
            const answer = await aws.ask({ method: 'PUT', path: pathOf(config, key), headers, body, signal });
            if (answer.outcome === 'ok') return;
            const isLost = answer.outcome === 'refused' && [409, 412].includes(answer.status);
            throw answer.outcome === 'refused' && !isLost ? aws.fault(answer) : changedMeanwhile(target.id);
          });
        },
      },
    };
  },
});

function pathOf(config: Config, key: string): string {
  return `/${[config.bucket, ...key.split('/')].map(encodeURIComponent).join('/')}`;
}

async function* findTexts(
  aws: Aws,
  config: Config,
  prefix: string,
  signal: AbortSignal,
): AsyncIterable<FoundText<Target>> {
  const objects = allPages<Listed>(aws.host, async (token) => {
    const query = { 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1000', prefix };
    const next = token === null ? query : { ...query, 'continuation-token': token };
    const answer = await aws.ask({ path: `/${encodeURIComponent(config.bucket)}`, query: next, signal });
    if (answer.outcome === 'refused') throw aws.fault(answer);
    return listedIn(answer.outcome === 'ok' ? answer.text : '', aws.host);
  });
  for await (const { key, bytes } of objects) {
    if (bytes === 0 || bytes > PROPOSAL_BYTES_MAX) continue;
    const { reading } = await readObject(aws, config, { id: key, prompt: key, config: { key } }, undefined, signal);
    if (reading.outcome !== 'held') continue;
    const [{ body, ...more }] = reading.contents;
    yield { path: key.slice(prefix.length), target: { key }, text: singleText(body, key), more };
  }
}

interface Listed {
  readonly key: string;
  readonly bytes: number;
}

/** The few fields of a list that are needed; keys are encoded as in an address, so that none can look like a tag. */
function listedIn(xml: string, host: string): PageOf<Listed> {
  if (!/<ListBucketResult[\s>]/.test(xml)) {
    throw new Fault('transient', `${host} answered with something that is no list of objects.`);
  }
  const items = [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, entry = '']) => ({
    key: decodeURIComponent(fieldIn(entry, 'Key').replaceAll('+', ' ')),
    bytes: Number(fieldIn(entry, 'Size')),
  }));
  return { items, next: fieldIn(xml, 'NextContinuationToken').replaceAll('&amp;', '&') };
}

function fieldIn(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
}

async function readObject(
  aws: Aws,
  config: Config,
  target: SourceTarget<Target>,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly reading: Reading; readonly stored: Stored | null }> {
  const { key, field } = target.config;
  const headers = etag === undefined ? {} : { 'if-none-match': etag };
  const answer = await aws.ask({ path: pathOf(config, key), headers, signal });
  if (answer.outcome === 'unchanged') return { reading: { outcome: 'unchanged', target: target.id }, stored: null };
  if (answer.outcome === 'refused') {
    // Not so with NoSuchBucket: that is a wrong configuration and says nothing about the object.
    if (answer.code !== 'NoSuchKey') throw aws.fault(answer);
    return {
      reading: { outcome: 'missing', target: target.id, reason: `${config.bucket} has no ${key}.` },
      stored: null,
    };
  }
  const { headers: told } = answer.response;
  const newEtag = told.get('etag');
  // S3 names every object's ETag; what comes without one comes from somebody else.
  if (newEtag === null) {
    const reason = `${aws.host} answered without an ETag: it is not S3 that answered.`;
    return { reading: { outcome: 'unreachable', target: target.id, reason }, stored: null };
  }
  const modified = Date.parse(told.get('last-modified') ?? '');
  const reading = readingOfText(target.id, key, answer.text, field, {
    version: told.get('x-amz-version-id') ?? newEtag,
    ...editedAt(modified),
  });
  return {
    reading: reading.outcome === 'held' ? { ...reading, cursor: newEtag } : reading,
    stored: { text: answer.text, etag: newEtag },
  };
}
