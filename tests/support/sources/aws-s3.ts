/** S3 with one bucket, from its API reference: ETags, versions, conditional reads and writes, errors in XML. */

import { createHash } from 'node:crypto';
import { awsKeys, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, ticking } from './http-place.ts';
import { pageOf, type ApiAnswer } from './http-stand-in.ts';
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
  put('live prompts/picture.txt', 'GIF89a\0\0');
  put('live prompts/novel.txt', 'x'.repeat(300_000));
  put('elsewhere/intent.txt', 'Of no concern.');
  const list = (query: URLSearchParams): ApiAnswer => {
    const names = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? ''));
    const { page, next } = pageOf(names, Number(query.get('continuation-token') ?? 0), 2);
    const encoded = (key: string): string =>
      new URLSearchParams({ '': key }).toString().slice(1).replaceAll('%2F', '/');
    const contents = page.map(
      (key) => `<Contents><Key>${encoded(key)}</Key><Size>${objects.get(key)?.text.length}</Size></Contents>`,
    );
    const token = next === null ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`;
    const body = `<EncodingType>url</EncodingType>${token}${contents.join('')}`;
    return {
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</ListBucketResult>`,
    };
  };
  const server = await serveAws('s3', ({ method, parts: [bucket, ...rest], query, headers, raw }) => {
    if (bucket !== 'acme-prompts') return xml(404, 'NoSuchBucket');
    const key = rest.join('/');
    if (key === '' && query.get('list-type') === '2') return list(query);
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
    config: { ...awsKeys, endpoint: server.origin, bucket: 'acme-prompts', discover: 'live prompts/' },
    targets: PROMPTS.map((prompt) => ({ prompt, config: { key: keyOf(prompt) } })),
    secrets: [SECRET_ACCESS_KEY],
    text: (prompt) => objects.get(keyOf(prompt))?.text ?? '',
    edit: (prompt, text) => put(keyOf(prompt), text),
    remove: (prompt) => void objects.delete(keyOf(prompt)),
  });
}

export const awsS3Fixture: SourceFixture = { type: 'aws-s3', open: openAwsS3 };
