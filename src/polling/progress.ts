/** Tells whether a read still gets somewhere: touched by every answer from the network and every reading. */

export class Progress {
  #listener: (() => void) | null = null;

  touch(): void {
    this.#listener?.();
  }

  /** One read of a source runs at a time, so there is one listener. */
  listen(listener: (() => void) | null): void {
    this.#listener = listener;
  }
}
