/** Free metadata that people attach to calls: the keys they use for prompt, conversation and user. */

import type { Reading } from './dialect.ts';

const PROMPT_NAMES = ['promptName', 'prompt_name', 'prompt.name', 'promptId', 'prompt_id', 'prompt.id'];
const PROMPT_VERSIONS = ['promptVersion', 'prompt_version', 'prompt.version'];
const PROMPT_LABELS = ['promptLabel', 'prompt_label', 'prompt.label'];
const CONVERSATIONS = [
  'sessionId',
  'session_id',
  'session.id',
  'conversationId',
  'conversation_id',
  'threadId',
  'thread_id',
  'chatId',
  'chat_id',
];
const USERS = ['userId', 'user_id', 'user.id', 'user'];

/** `get` gives a metadata value as text. Fields that are not there stay absent. */
export function metadataReading(get: (key: string) => string | undefined): Reading {
  const reading: Reading = {};
  const name = first(get, PROMPT_NAMES);
  if (name !== undefined) {
    reading.declared = {
      name,
      version: first(get, PROMPT_VERSIONS) ?? null,
      label: first(get, PROMPT_LABELS) ?? null,
    };
  }
  const conversation = first(get, CONVERSATIONS);
  if (conversation !== undefined) reading.conversationId = conversation;
  const user = first(get, USERS);
  if (user !== undefined) reading.userId = user;
  return reading;
}

function first(get: (key: string) => string | undefined, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = get(key);
    if (value !== undefined) return value;
  }
  return undefined;
}
