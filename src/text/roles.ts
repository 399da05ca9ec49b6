/** What the roles of messages mean, whoever's API they are of. */

/** Whether messages of this role tell the model what to be and do; all others are conversation. */
export function isInstructing(role: string): boolean {
  return role === 'system' || role === 'developer';
}
