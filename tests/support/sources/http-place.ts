/** What every stand-in of an HTTP API has in common. */

import type { HttpStandIn } from './http-stand-in.ts';
import { PROMPTS, type StandIn } from './stand-in.ts';

type Rest = Partial<StandIn> & Pick<StandIn, 'config' | 'secrets' | 'text' | 'edit' | 'remove'>;

/** A stand-in over one API; by default each prompt's target is `{ [key]: id-PROMPT }`, and it names no editor and no pointer. */
export function httpPlace(server: HttpStandIn, key: string, rest: Rest): StandIn & { readonly origin: string } {
  return {
    origin: server.origin,
    targets: PROMPTS.map((prompt) => ({ prompt, config: { [key]: idOf(prompt) } })),
    editor: null,
    movePointer: null,
    troubles: server.troubles,
    trouble: server.trouble,
    close: server.close,
    ...rest,
  };
}

export function idOf(prompt: string): string {
  return `id-${prompt}`;
}

/** A clock of the stand-in's own: every call is a second later. */
export function ticking(): () => number {
  let millis = Date.parse('2026-11-20T02:00:00Z');
  return () => (millis += 1_000);
}
