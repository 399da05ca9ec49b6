/** A text without variables: it renders itself. */

import { literal } from './template.ts';
import type { Template } from './template.ts';

export function parsePlain(text: string): Template {
  return { nodes: [literal(text)], variables: [], unpredictable: null };
}

export function renderPlain(text: string): string {
  return text;
}
