/** Which targets are places that a source looks at. Pure. */

/** What traffic, registries, outputs and metrics show has a place of its own, with a colon, which no source has in its name. */
export function isOfSource(target: string): boolean {
  return !/^[^/]*:/.test(target);
}
