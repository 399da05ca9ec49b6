/** LangChain4j in Quarkus: the conventions, with a cost, and zeros for what nobody set. */

import { number, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { dollars } from './names.ts';
import { settingsOf } from './tools.ts';
import { recordOfEntries } from './json-text.ts';

const SCOPE = 'io.quarkus.opentelemetry';
/** An amount with its currency behind it, which Quarkus's user chooses. */
const COST = /^(\d+(?:\.\d+)?)USD$/;

function readSpan({ span: { name, attributes }, scope }: SpanInput): Reading | null {
  // Everything in Quarkus has that scope.
  if (!scope.name.startsWith(SCOPE) || !name.startsWith('completion ')) return null;
  const reading: Reading = {};
  const cost = dollars(Number(COST.exec(text(attributes, 'gen_ai.client.estimated_cost') ?? '')?.[1]));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const parameters = ['temperature', 'top_p'].flatMap((key) => {
    const value = number(attributes, `gen_ai.request.${key}`);
    return value === undefined || value === 0 ? [] : [[key, value] as const];
  });
  const settings = settingsOf(undefined, recordOfEntries(parameters) ?? {}, undefined);
  if (settings !== undefined) reading.settings = settings;
  return reading;
}

export const quarkusLangchain4j: Dialect = {
  name: 'quarkus-langchain4j',
  keys: ['gen_ai.client.estimated_cost'],
  scopes: [SCOPE],
  span: readSpan,
};
