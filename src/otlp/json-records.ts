/** Spans and log records from OTLP's JSON encoding, in the same lean form as from protobuf. */

import {
  type JsonObject,
  asObject,
  countField,
  hexField,
  listField,
  nanosField,
  objectField,
  readJsonAttributes,
  readJsonValue,
  textField,
} from './json-common.ts';
import { malformed } from './limits.ts';
import type { OtlpEvent, OtlpGroup, OtlpLog, OtlpSpan } from './model.ts';
import { NO_IDENTITY, type Tally } from './tally.ts';

/** Where a signal keeps its lists: `resourceSpans` → `scopeSpans` → `spans`. */
interface JsonNames {
  readonly resources: string;
  readonly scopes: string;
  readonly items: string;
}

export const TRACE_NAMES: JsonNames = { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' };
export const LOG_NAMES: JsonNames = { resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' };

export function readJsonEnvelope<Item>(
  body: string,
  names: JsonNames,
  tally: Tally,
  readItem: (item: JsonObject, tally: Tally) => Item | null,
): OtlpGroup<Item>[] {
  const groups: OtlpGroup<Item>[] = [];
  for (const entry of listField(asObject(parse(body), 'The body'), names.resources)) {
    tally.group();
    const holder = asObject(entry, names.resources);
    const { attributes } = readJsonAttributes(objectField(holder, 'resource'), tally);
    const resource = { attributes };
    for (const scopeEntry of listField(holder, names.scopes)) {
      tally.group();
      const scopeHolder = asObject(scopeEntry, names.scopes);
      const head = objectField(scopeHolder, 'scope');
      const items: Item[] = [];
      for (const raw of listField(scopeHolder, names.items)) {
        tally.item();
        const item = readItem(asObject(raw, names.items), tally);
        if (item !== null) items.push(item);
      }
      groups.push({ resource, scope: { name: textField(head, 'name'), version: textField(head, 'version') }, items });
    }
  }
  return groups;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw malformed(`The body is not JSON: ${(error as SyntaxError).message.slice(0, 120)}.`);
  }
}

export function readJsonSpan(span: JsonObject, tally: Tally): OtlpSpan | null {
  const traceId = hexField(span, 'traceId', 32);
  const spanId = hexField(span, 'spanId', 16);
  if (traceId === '' || spanId === '') {
    tally.reject(NO_IDENTITY);
    return null;
  }
  const { attributes, dropped } = readJsonAttributes(span, tally);
  const status = objectField(span, 'status');
  const events = listField(span, 'events');
  const kept = events.slice(0, tally.limits.eventsMax);
  const read = kept.map((event) => readJsonEvent(asObject(event, 'events'), tally));
  // An event may hold messages as attributes do: leaving one out leaves the call as incomplete.
  let droppedInEvents = countField(span, 'droppedEventsCount') + events.length - kept.length;
  for (const event of read) droppedInEvents += event.dropped;
  return {
    traceId,
    spanId,
    parentSpanId: hexField(span, 'parentSpanId', 16),
    name: textField(span, 'name'),
    startNanos: nanosField(span, 'startTimeUnixNano'),
    endNanos: nanosField(span, 'endTimeUnixNano'),
    attributes,
    droppedAttributes: dropped + droppedInEvents,
    events: read.map(({ event }) => event),
    statusCode: statusCode(status),
    statusMessage: textField(status, 'message'),
  };
}

/** Enums are integers in OTLP; names, as plain proto3 JSON would have them, are read too. */
function statusCode(status: JsonObject): number {
  if (status['code'] === 'STATUS_CODE_ERROR') return 2;
  if (status['code'] === 'STATUS_CODE_OK') return 1;
  if (status['code'] === 'STATUS_CODE_UNSET') return 0;
  return countField(status, 'code');
}

function readJsonEvent(json: JsonObject, tally: Tally): { readonly event: OtlpEvent; readonly dropped: number } {
  const { attributes, dropped } = readJsonAttributes(json, tally);
  return { event: { name: textField(json, 'name'), timeNanos: nanosField(json, 'timeUnixNano'), attributes }, dropped };
}

export function readJsonLog(log: JsonObject, tally: Tally): OtlpLog {
  const { attributes, dropped } = readJsonAttributes(log, tally);
  const timeNanos = nanosField(log, 'timeUnixNano');
  const severity = log['severityNumber'];
  return {
    traceId: hexField(log, 'traceId', 32),
    spanId: hexField(log, 'spanId', 16),
    timeNanos: timeNanos === 0n ? nanosField(log, 'observedTimeUnixNano') : timeNanos,
    eventName: textField(log, 'eventName'),
    severityNumber: typeof severity === 'number' ? severity : 0,
    body: readJsonValue(log['body'], tally, 0),
    attributes,
    droppedAttributes: dropped,
  };
}
