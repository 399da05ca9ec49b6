/** The same telemetry in other requests: shuffled, and split into one span (or one span's records) each. */

import type { WireRequest } from './cases.ts';

/** mulberry32: small, seeded, good enough to shuffle. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const next = random(seed);
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1));
    [result[index], result[other]] = [result[other] as Item, result[index] as Item];
  }
  return result;
}

export function splitRequest(request: WireRequest): WireRequest[] {
  const bodies = request.encoding === 'json' ? splitJson(request) : splitProtobuf(request.bytes);
  return bodies.map((bytes, index) => ({ ...request, file: `${request.file}#${index}`, bytes }));
}

type Json = Readonly<Record<string, unknown>>;

function splitJson({ bytes, signal }: WireRequest): Buffer[] {
  const [resources, scopes, items] =
    signal === 'traces' ? ['resourceSpans', 'scopeSpans', 'spans'] : ['resourceLogs', 'scopeLogs', 'logRecords'];
  const body = JSON.parse(bytes.toString()) as Json;
  return list(body, resources).flatMap((resource) =>
    list(resource, scopes).flatMap((scope) =>
      groups(list(scope, items)).map((group) =>
        Buffer.from(JSON.stringify({ [resources]: [{ ...resource, [scopes]: [{ ...scope, [items]: group }] }] })),
      ),
    ),
  );
}

function list(holder: Json, key: string): readonly Json[] {
  return (holder[key] ?? []) as readonly Json[];
}

/** A burst of log records of one span leaves an SDK in one batch; records without a span go alone. */
function groups(items: readonly Json[]): readonly (readonly Json[])[] {
  const bySpan = new Map<unknown, Json[]>();
  for (const item of items) {
    const key = item['spanId'] ?? item;
    bySpan.set(key, [...(bySpan.get(key) ?? []), item]);
  }
  return [...bySpan.values()];
}

interface Field {
  readonly tag: number;
  /** Tag, length and content. */
  readonly raw: Buffer;
  readonly content: Buffer;
}

/** Request → resource → scope → items: heads (field 1 below the top) are repeated for every item. */
function splitProtobuf(bytes: Buffer): Buffer[] {
  return fields(bytes).flatMap((resource) => {
    const resourceFields = fields(resource.content);
    const resourceHead = resourceFields.filter(({ tag }) => tag !== 0x12).map(({ raw }) => raw);
    return resourceFields
      .filter(({ tag }) => tag === 0x12)
      .flatMap((scope) => {
        const scopeFields = fields(scope.content);
        const scopeHead = scopeFields.filter(({ tag }) => tag !== 0x12).map(({ raw }) => raw);
        return protobufGroups(scopeFields.filter(({ tag }) => tag === 0x12)).map((group) => {
          const scopeMessage = Buffer.concat([...scopeHead, ...group.map(({ raw }) => raw)]);
          const resourceMessage = Buffer.concat([...resourceHead, nested(0x12, scopeMessage)]);
          return nested(0x0a, resourceMessage);
        });
      });
  });
}

function protobufGroups(items: readonly Field[]): readonly (readonly Field[])[] {
  const bySpan = new Map<string, Field[]>();
  for (const [index, item] of items.entries()) {
    const inner = fields(item.content);
    // Span: span_id is field 2; log record: field 10. A span is always alone in its group.
    const logSpan = inner.find(({ tag }) => tag === 0x52);
    const key = logSpan === undefined ? `#${index}` : logSpan.content.toString('hex');
    bySpan.set(key, [...(bySpan.get(key) ?? []), item]);
  }
  return [...bySpan.values()];
}

function fields(bytes: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    const type = tag & 7;
    if (type === 0) varint();
    const length = type === 2 ? varint() : type === 1 ? 8 : type === 5 ? 4 : 0;
    found.push({ tag, raw: bytes.subarray(start, at + length), content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function nested(tag: number, content: Buffer): Buffer {
  const length: number[] = [];
  let rest = content.length;
  while (rest >= 128) {
    length.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.concat([Buffer.from([tag, ...length, rest]), content]);
}
