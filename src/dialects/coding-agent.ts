/** What agents of the command line say alike, each under names of its own: the model, the conversation, who asks. */

import { firstText, text } from '../otlp/attributes.ts';
import { shortId } from '../lib/hash.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Reading } from './dialect.ts';
import { settingsOf } from './tools.ts';

/** `conversation` and `users` are names of attributes, of which the first user that is there is meant. */
export function readSession(attributes: OtlpAttributes, conversation: string, users: readonly string[]): Reading {
  const reading: Reading = {};
  const session = text(attributes, conversation);
  if (session !== undefined) reading.conversationId = session;
  const user = firstText(attributes, users);
  if (user !== undefined) reading.userId = user;
  return reading;
}

/** The model that was asked. */
export function readModel(model: string | undefined): Reading {
  const settings = settingsOf(model, undefined, undefined);
  return model === undefined || settings === undefined ? {} : { requestModel: model, settings };
}

/** The run of a session of Claude Code, whoever reports it. */
export function claudeRun(session: string | undefined): Pick<Reading, 'run'> {
  return session === undefined ? {} : { run: `claude-code.${shortId(session)}` };
}
