/**
 * Every dialect, strongest first: this order is the one precedence. A field that a stronger
 * dialect has understood is never touched by a weaker one, and nothing is ever summed.
 */

import type { Dialect } from './dialect.ts';
import { openinference } from './openinference.ts';
import { semconv } from './semconv.ts';
import { vercelAi } from './vercel-ai.ts';

export const DIALECTS: readonly Dialect[] = [vercelAi, openinference, semconv];
