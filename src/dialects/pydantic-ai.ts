/**
 * pydantic-ai (and Logfire around it): the semantic conventions, a cost of its own, and in older
 * versions the messages as a JSON list of events in one attribute.
 */

import type { Message } from '../contract/invocation.ts';
import { number } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { isArray, isRecord, jsonOf, recordAt, stringAt } from './json-text.ts';
import { readMessage } from './messages.ts';
import { dollars } from './names.ts';
import { readTools, settingsOf } from './tools.ts';

function readSpan({ span }: SpanInput, known: Readonly<Reading>): Reading | null {
  const { attributes } = span;
  const isAgent = attributes.has('agent_name') && !attributes.has('gen_ai.request.model');
  // An agent's span repeats the sums and all messages of its calls.
  if (isAgent) return { role: 'wrapper', boundary: 'agent' };
  const reading: Reading = {};
  const cost = dollars(number(attributes, 'operation.cost'));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const parameters = recordAt(attributes, 'model_request_parameters');
  const settings = settingsOf(undefined, undefined, readTools(parameters?.['function_tools']));
  if (settings !== undefined) reading.settings = settings;
  if (known.input === undefined && attributes.has('events')) readEvents(reading, attributes);
  return reading;
}

/** `[{"event.name": "gen_ai.user.message", "role": "user", "content": …}, {"event.name": "gen_ai.choice", "message": …}]` */
function readEvents(reading: Reading, attributes: OtlpAttributes): void {
  const events = jsonOf(attributes.get('events'));
  if (!isArray(events)) return;
  const input: Message[] = [];
  const output: Message[] = [];
  for (const event of events.filter(isRecord)) {
    const name = stringAt(event, 'event.name') ?? '';
    if (name === 'gen_ai.choice') {
      output.push(...readMessage(isRecord(event['message']) ? event['message'] : event, 'assistant'));
    } else if (/^gen_ai\.\w+\.message$/.test(name)) {
      input.push(...readMessage(event, name.split('.')[1] ?? 'user'));
    }
  }
  if (input.length > 0) reading.input = input;
  if (output.length > 0) reading.output = output;
}

export const pydanticAi: Dialect = {
  name: 'pydantic-ai',
  keys: ['operation.cost', 'model_request_parameters', 'agent_name', 'pydantic_ai.', 'gen_ai.aggregated_usage.'],
  scopes: ['pydantic-ai'],
  span: readSpan,
};
