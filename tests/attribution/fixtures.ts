/** Registered versions for tests, with as little ceremony as the contract allows. */

import type { PromptBody, PromptSettings, RegisteredVersion, TemplateFormat } from '../../src/contract/prompt.ts';
import { chatBody, textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';

export function version(
  prompt: string,
  number: number | string,
  content: string | readonly (readonly [role: string, content: string])[],
  { format = 'jinja2', settings = {} }: { format?: TemplateFormat; settings?: PromptSettings } = {},
): RegisteredVersion {
  const body: PromptBody =
    typeof content === 'string'
      ? textBody(content)
      : chatBody(content.map(([role, text]) => ({ role, content: text })));
  return {
    prompt,
    version: String(number),
    parent: null,
    owner: 'team',
    tags: ['test'],
    isComponent: false,
    variants: [{ model: settings.model ?? 'model-a', body, format, settings, hashes: contentHashes(body) }],
    components: [],
    metrics: {},
    registry: 'files',
    origin: { file: `${prompt}.yaml` },
    registeredAt: null,
    author: null,
  };
}
