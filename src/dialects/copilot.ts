/**
 * GitHub's Copilot, its command line as well as VS Code's: the semantic conventions, with what a call
 * costs in its own unit, a billionth of an AI credit, of which a hundred are a dollar. Agents have the
 * sum of their calls.
 */

import { firstNumber, text } from '../otlp/attributes.ts';
import type { Dialect, Reading, SpanInput } from './dialect.ts';
import { costOf, dollars } from './names.ts';

const NANO_CREDITS = ['github.copilot.nano_aiu', 'copilot_chat.copilot_usage_nano_aiu'];
const NANO_CREDITS_PER_DOLLAR = 1e11;

function readSpan({ span: { attributes } }: SpanInput): Reading | null {
  if (text(attributes, 'gen_ai.operation.name') !== 'chat') return null;
  const credits = firstNumber(attributes, NANO_CREDITS);
  const cost = dollars(credits === undefined ? undefined : costOf([credits / NANO_CREDITS_PER_DOLLAR]));
  return cost === undefined ? null : { reportedCostUsd: cost };
}

export const copilot: Dialect = { name: 'copilot', keys: ['github.copilot.', 'copilot_chat.'], span: readSpan };
