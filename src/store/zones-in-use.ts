/**
 * Time zones that the engine was told of. It keeps each in five megabytes until its process ends, which is ours where it is
 * embedded: so there are as many as people of one place need, and not the four hundred that there are.
 */

const ZONES_MAX = 24;

export class ZonesInUse {
  readonly #zones = new Set<string>();

  /** Null: they may be used, and are in use from now on. Else why not, and what may be. */
  refusal(named: Iterable<string>): { readonly message: string; readonly hint: string } | null {
    const together = new Set([...this.#zones, ...named]);
    if (together.size > ZONES_MAX) {
      return {
        message: `${ZONES_MAX} time zones may be used until the daemon is restarted, since each takes memory.`,
        hint: `These are in use: ${[...this.#zones].toSorted().join(', ')}.`,
      };
    }
    for (const zone of together) this.#zones.add(zone);
    return null;
  }
}
