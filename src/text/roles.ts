/** What the roles of messages mean, whoever's API they are of. */

/** Of a place in a chat where an application puts messages, such as the conversation so far. Its text is its name. */
export const PLACEHOLDER = 'placeholder';

/** Whether messages of this role tell the model what to be and do; all others are conversation. */
export function isInstructing(role: string): boolean {
  return role === 'system' || role === 'developer';
}
