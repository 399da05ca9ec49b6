/** Figures as a bench prints them. */

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export interface Effort {
  readonly ms: number;
  /** Of all threads: it says the same on a busy machine. */
  readonly cpu_ms: number;
}

/** What the work takes of this process. */
export async function effortOf(work: () => Promise<unknown>): Promise<Effort> {
  const [cpu, startMs] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { ms: Math.round(performance.now() - startMs), cpu_ms: Math.round((user + system) / 1_000) };
}
