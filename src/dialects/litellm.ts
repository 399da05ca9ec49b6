/**
 * LiteLLM: the semantic conventions (its older spans in OpenLLMetry's legacy form) with costs and
 * what the proxy knows about the caller under `metadata.*`.
 */

import type { Json } from '../contract/prompt.ts';
import { firstNumber, firstText, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { unflattenList } from './flattened.ts';
import { parseJson, isRecord, stringAt, textsOf } from './json-text.ts';
import { metadataReading } from './metadata.ts';
import { dollars } from './names.ts';
import { operationOf } from './operations.ts';
import { readTools, settingsOf } from './tools.ts';

const SCOPE = 'litellm';

function readSpan({ span, scope }: SpanInput): Reading | null {
  const { attributes } = span;
  const reading = metadataReading((key) => text(attributes, `metadata.${key}`));
  const cost = dollars(firstNumber(attributes, ['gen_ai.cost.total_cost', 'gen_ai.cost.total', 'litellm.cost.total']));
  if (cost !== undefined) reading.reportedCostUsd = cost;
  const user = firstText(attributes, [
    'metadata.user_api_key_end_user_id',
    'metadata.user_api_key_user_id',
    'litellm.end_user.id',
    'litellm.metadata.user_api_key_end_user_id',
    'litellm.metadata.user_api_key_user_id',
    'llm.user',
  ]);
  if (user !== undefined) reading.userId ??= user;
  // Told to send no content, its older spans have no name of the operation either.
  const operation = scope.name.startsWith(SCOPE) ? operationOf(text(attributes, 'llm.request.type')) : undefined;
  if (operation !== undefined) Object.assign(reading, { role: 'call', operation } as const);
  if (attributes.has('litellm.request.tools.declared')) {
    const settings = settingsOf(undefined, undefined, readTools(declaredTools(attributes)));
    if (settings !== undefined) reading.settings = settings;
  }
  const managed = parseJson(text(attributes, 'metadata.prompt_management_metadata') ?? '');
  const name = isRecord(managed) ? stringAt(managed, 'prompt_id') : undefined;
  if (name !== undefined && isRecord(managed)) {
    reading.declared ??= {
      name,
      version: stringAt(managed, 'prompt_version') ?? null,
      label: stringAt(managed, 'prompt_label') ?? null,
    };
    const variables = managed['prompt_variables'];
    if (isRecord(variables)) reading.variables = textsOf(variables);
  }
  return reading;
}

/** `gen_ai.tool.N.name`, `.description`, and as JSON text `.parameters`: as many as its limit lets through. */
function declaredTools(attributes: OtlpAttributes): readonly Json[] | undefined {
  return unflattenList(attributes, 'gen_ai.tool.')?.map((tool) => {
    const parameters = isRecord(tool) ? tool['parameters'] : undefined;
    return isRecord(tool) && typeof parameters === 'string'
      ? { ...tool, parameters: parseJson(parameters) ?? parameters }
      : tool;
  });
}

export const litellm: Dialect = {
  name: 'litellm',
  keys: ['gen_ai.cost.', 'litellm.', 'metadata.user_api_key', 'metadata.prompt_management_metadata'],
  scopes: [SCOPE],
  span: readSpan,
};
