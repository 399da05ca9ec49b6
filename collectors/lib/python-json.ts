/**
 * JSON as Python's `json.dumps(value, sort_keys=True)` writes it, for signatures over that and not over
 * the bytes that were sent. Pure.
 */

import { Fault } from '../../src/contract/fault.ts';

// A push is flat; what is nested deeper is none.
const DEPTH_MAX = 32;

/** Throws a `Fault` of kind `permanent` for what is nested too deep. */
export function pythonJson(value: unknown, isAscii: boolean, depth = 0): string {
  if (depth > DEPTH_MAX) throw new Fault('permanent', `The push is nested deeper than ${DEPTH_MAX}.`);
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item, isAscii, depth + 1)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const text = fields.map(([name, item]) => `${quoted(name, isAscii)}: ${pythonJson(item, isAscii, depth + 1)}`);
    return `{${text.join(', ')}}`;
  }
  return typeof value === 'string' ? quoted(value, isAscii) : JSON.stringify(value);
}

function quoted(text: string, isAscii: boolean): string {
  const json = JSON.stringify(text);
  if (!isAscii) return json;
  return json.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
