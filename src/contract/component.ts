/** The lifecycle every long-living part of the daemon has. `src/daemon/daemon.ts` starts and stops them in order. */

export interface Component {
  /** For logs and `/readyz`, e.g. `store`, `otlp-http`, `polling`. */
  readonly name: string;

  /**
   * Returns once the component can do its work, quickly: long work goes on in the background.
   * Throws a `Fault` when it can't start. Called once.
   */
  start(): Promise<void>;

  /**
   * Stops intake first, then flushes what was accepted, then releases resources. Safe without
   * `start`, and safe twice. Must settle within `deadlineMs`; what could not be flushed by then
   * must still be on disk.
   */
  stop(deadlineMs: number): Promise<void>;
}
