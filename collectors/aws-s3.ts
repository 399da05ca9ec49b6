/** Prompts in objects of S3 or a compatible store, whole or a field of the JSON or YAML in one. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({ ...awsConfig, bucket: z.string().min(1) });
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
    },
    targets: [{ key: 'live/intent-classifier.txt' }, { key: 'live/prompts.json', field: 'intent' }],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 's3', 's3');
    return {
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
