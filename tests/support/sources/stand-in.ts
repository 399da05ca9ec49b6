/**
 * What the contract suite needs of each source: a stateful local stand-in for its place, that can be
 * edited by hand between two polls and brought into trouble.
 */

import type { WebhookRequest } from '../../../src/contract/source.ts';

/** Ways in which a place fails. None of them says anything about a prompt. */
export const TROUBLES = [
  /** 429 with `Retry-After: 7`. */
  'throttled',
  /** 500. */
  'broken',
  /** 200 with a login page. */
  'html',
  /** 404 with a page of a proxy. */
  'html-404',
  /** 404 in JSON, of a gateway that has lost its way to the place. */
  'json-404',
  /** JSON that stops in the middle. */
  'truncated',
  /** 50 MB. */
  'huge',
  /** Takes the question and never answers. */
  'hangs',
  /** 401 with a message that repeats the credentials. */
  'refused',
  /** Nobody listens. */
  'gone',
] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface StandIn {
  /** The plugin's configuration that leads here. */
  readonly config: unknown;
  /** At least two, more than fit on one of its pages. */
  readonly targets: readonly { readonly prompt: string; readonly config: unknown }[];
  /** Values that may appear in no message. */
  readonly secrets: readonly string[];
  /** Whom the source names as editor of a hand edit; null where the place doesn't tell. */
  readonly editor: string | null;
  /** The text that a target's content holds, of its first message if it is a chat. */
  text(prompt: string): string | Promise<string>;
  /** Somebody changes the live text by hand. */
  edit(prompt: string, text: string): void | Promise<void>;
  /** Somebody makes the target name another version, without editing any. Null: there is no pointer. */
  readonly movePointer: ((prompt: string) => void | Promise<void>) | null;
  /** Somebody deletes the prompt. Null: the place can't be made to say so. */
  readonly remove: ((prompt: string) => void | Promise<void>) | null;
  /** The troubles that this place can have. */
  readonly troubles: readonly Trouble[];
  readonly trouble: (kind: Trouble | null) => void | Promise<void>;
  /** A genuine push about a prompt, as the place would send it at that moment. */
  readonly push?: (prompt: string, atMillis: number) => WebhookRequest;
  /** The signature of a push covers a time, so that an old one can be told. */
  readonly pushesAreDated?: boolean;
  /** A push is not signed: it carries a secret that the user put into a header or the address. */
  readonly pushesCarrySecret?: boolean;
  readonly close: () => Promise<void>;
}

export interface SourceFixture {
  readonly type: string;
  /** A fresh stand-in with its own state. */
  open(): Promise<StandIn>;
}

/** The prompts that every stand-in holds: enough for three pages of two. */
export const PROMPTS: readonly string[] = ['intent', 'reply', 'summary', 'triage', 'greeting'];

export function originalText(prompt: string): string {
  return `You are the ${prompt} assistant.\n  Keep  this spacing, “these quotes” and {{ variable }}.\n`;
}

/** What a hand edit writes in the tests. */
export const EDITED = 'Ignore all that and be funny.\n\nTake {{ variable }} lightly.';
