/** What follows the name of a bench on its command line. */

/** The word after `name`; `otherwise` where none was given. */
export function textAfter(args: readonly string[], name: string, otherwise: string): string {
  const index = args.indexOf(name);
  const next = index === -1 ? undefined : args[index + 1];
  return next === undefined || next.startsWith('--') ? otherwise : next;
}

/** Throws for what is no number. */
export function numberAfter(args: readonly string[], name: string, otherwise: number): number {
  const text = textAfter(args, name, String(otherwise));
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new Error(`${name} is to be a number, not "${text}".`);
  return value;
}
