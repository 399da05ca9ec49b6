/** Whether a call failed, and with what. Emitters disagree about the status, so several signs count. */

import { firstText, number, text } from '../otlp/attributes.ts';
import type { OtlpSpan } from '../otlp/model.ts';
import type { Reading } from './dialect.ts';

const ERROR_STATUS = 2;
/** Some emitters put a stack trace into the status message. */
const MESSAGE_CHARACTERS_MAX = 2_000;

/** Undefined for a call that did not fail. An exception on a call that answered was handled. */
export function errorOf(span: OtlpSpan, known: Readonly<Reading>): Reading['error'] {
  const { attributes } = span;
  const declared = text(attributes, 'error.type');
  const exception = span.events.findLast((event) => event.name === 'exception');
  const answered = known.output !== undefined || known.tokens?.output !== undefined;
  const failed = span.statusCode === ERROR_STATUS || declared !== undefined || (exception !== undefined && !answered);
  if (!failed) return undefined;
  const status = number(attributes, 'http.response.status_code');
  const type =
    declared ??
    (exception === undefined ? undefined : text(exception.attributes, 'exception.type')) ??
    (status !== undefined && status >= 400 ? String(status) : 'error');
  const thrown = exception === undefined ? undefined : text(exception.attributes, 'exception.message');
  const said = firstText(attributes, ['error.message', 'exception.message']);
  const message = span.statusMessage === '' ? (thrown ?? said ?? '') : span.statusMessage;
  return { type, message: message.slice(0, MESSAGE_CHARACTERS_MAX) };
}
