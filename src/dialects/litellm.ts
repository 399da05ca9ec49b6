/**
 * LiteLLM: the semantic conventions (its older spans in OpenLLMetry's legacy form) with costs and
 * what the proxy knows about the caller under `metadata.*`.
 */

import type { Json } from '../contract/prompt.ts';
import { firstNumber, firstText, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { unflattenList } from './flattened.ts';
import { isRecord, numberAt, parseJson, printedRecordAt, recordOf, stringAt, textsOf } from './json-text.ts';
import { metadataReading } from './metadata.ts';
import { dollars } from './names.ts';
import { operationOf } from './operations.ts';
import { partsOfOpenAi } from './token-parts.ts';
import { readTools, settingsOf } from './tools.ts';
import { tokenUsage } from './usage.ts';
import { webSearchesOf } from './web-searches.ts';

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
  readUsage(reading, attributes);
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

/** The conventions' names have only sums; all that it knows, in OpenAI's words whoever was asked, is in its metadata. */
function readUsage(reading: Reading, attributes: OtlpAttributes): void {
  if (!attributes.has('metadata.usage_object')) return;
  const usage = printedRecordAt(attributes, 'metadata.usage_object');
  const input = recordOf(usage, 'prompt_tokens_details') ?? recordOf(usage, 'input_tokens_details');
  const output = recordOf(usage, 'completion_tokens_details') ?? recordOf(usage, 'output_tokens_details');
  const tokens = tokenUsage({
    input: numberAt(usage, 'prompt_tokens', 'input_tokens'),
    output: numberAt(usage, 'completion_tokens', 'output_tokens'),
    cacheRead: numberAt(input, 'cached_tokens') ?? numberAt(usage, 'cache_read_input_tokens'),
    cacheWrite:
      numberAt(input, 'cache_creation_tokens', 'cache_write_tokens') ?? numberAt(usage, 'cache_creation_input_tokens'),
    reasoning: numberAt(output, 'reasoning_tokens'),
    total: numberAt(usage, 'total_tokens'),
    parts: partsOfOpenAi(usage),
    webSearches: webSearchesOf(usage),
  });
  if (tokens !== undefined) reading.tokens = tokens;
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
