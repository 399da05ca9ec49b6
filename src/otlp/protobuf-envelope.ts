/**
 * Resource → scope → items, which is the same for every OTLP signal: both levels hold the head in
 * field 1 and the list in field 2, but a list may come before its head.
 */

import type { OtlpGroup, OtlpResource, OtlpScope } from './model.ts';
import { NO_ATTRIBUTES, readResource, readScope } from './protobuf-common.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import type { Tally } from './tally.ts';

const EMPTY_RESOURCE: OtlpResource = { attributes: NO_ATTRIBUTES };
const EMPTY_SCOPE: OtlpScope = { name: '', version: '' };

/** Reads one item, or null when it has no usable identity. */
type ReadItem<Item> = (reader: ProtobufReader, end: number, tally: Tally) => Item | null;

export function readEnvelope<Item>(reader: ProtobufReader, tally: Tally, readItem: ReadItem<Item>): OtlpGroup<Item>[] {
  const groups: OtlpGroup<Item>[] = [];
  const end = reader.bytes.length;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) groups.push(...readResourceItems(reader, reader.lengthEnd(end), tally, readItem));
    else reader.skip(tag, end);
  }
  return groups;
}

function readResourceItems<Item>(
  reader: ProtobufReader,
  end: number,
  tally: Tally,
  readItem: ReadItem<Item>,
): OtlpGroup<Item>[] {
  tally.group();
  let resource = EMPTY_RESOURCE;
  const scopes: { readonly scope: OtlpScope; readonly items: Item[] }[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) resource = readResource(reader, reader.lengthEnd(end), tally);
    else if (tag === 0x12) scopes.push(readScopeItems(reader, reader.lengthEnd(end), tally, readItem));
    else reader.skip(tag, end);
  }
  return scopes.map(({ scope, items }) => ({ resource, scope, items }));
}

function readScopeItems<Item>(
  reader: ProtobufReader,
  end: number,
  tally: Tally,
  readItem: ReadItem<Item>,
): { readonly scope: OtlpScope; readonly items: Item[] } {
  tally.group();
  let scope = EMPTY_SCOPE;
  const items: Item[] = [];
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) scope = readScope(reader, reader.lengthEnd(end));
    else if (tag === 0x12) {
      tally.item();
      const item = readItem(reader, reader.lengthEnd(end), tally);
      if (item !== null) items.push(item);
    } else reader.skip(tag, end);
  }
  return { scope, items };
}
