/** S3 with one bucket, from its API reference: ETags, versions, conditional reads and writes, errors in XML. */

import { createHash } from 'node:crypto';
import { awsKeys, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, ticking } from './http-place.ts';
import type { ApiAnswer } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

export async function openAwsS3() {
  const now = ticking();
  const objects = new Map<string, { text: string; etag: string; version: string; at: number }>();
  const put = (key: string, text: string): void => {
    const at = now();
    objects.set(key, { text, etag: `"${createHash('md5').update(text).digest('hex')}"`, version: `v${at}`, at });
  };
  const keyOf = (prompt: string): string => `live prompts/${prompt}(1).txt`;
  for (const prompt of PROMPTS) put(keyOf(prompt), originalText(prompt));
  const xml = (status: number, code: string): ApiAnswer => ({
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}.</Message></Error>`,
  });
  const server = await serveAws('s3', ({ method, parts: [bucket, ...rest], headers, raw }) => {
    if (bucket !== 'acme-prompts') return xml(404, 'NoSuchBucket');
    const key = rest.join('/');
    const object = objects.get(key);
    if (method === 'PUT') {
      const isExpected = headers['if-none-match'] === '*' ? object === undefined : headers['if-match'] === object?.etag;
      if (!isExpected) return xml(412, 'PreconditionFailed');
      put(key, raw.toString());
      return { headers: { etag: objects.get(key)?.etag ?? '' } };
    }
    if (object === undefined) return xml(404, 'NoSuchKey');
    const told = {
      etag: object.etag,
      'x-amz-version-id': object.version,
      'last-modified': new Date(object.at).toUTCString(),
    };
    return headers['if-none-match'] === object.etag
      ? { status: 304, headers: told }
      : { headers: told, body: object.text };
  });
  return httpPlace(server, 'key', {
    config: { ...awsKeys, endpoint: server.origin, bucket: 'acme-prompts' },
    targets: PROMPTS.map((prompt) => ({ prompt, config: { key: keyOf(prompt) } })),
    secrets: [SECRET_ACCESS_KEY],
    text: (prompt) => objects.get(keyOf(prompt))?.text ?? '',
    edit: (prompt, text) => put(keyOf(prompt), text),
    remove: (prompt) => void objects.delete(keyOf(prompt)),
  });
}

export const awsS3Fixture: SourceFixture = { type: 'aws-s3', open: openAwsS3 };
