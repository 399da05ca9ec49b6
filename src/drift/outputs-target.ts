/** The name of the place where outputs show a problem: the answers of one model to one prompt. No source can have such a name. Pure. */

const PREFIX = 'outputs:';

export function isOutputsTarget(target: string): boolean {
  return target.startsWith(PREFIX);
}

export function outputsTarget(model: string, prompt: string): string {
  return `${PREFIX}${model}/${prompt}`;
}
