/** Waiting with a limit: for an answer, and for work to end when a queue stops. */

/**
 * Waits for `work` until a little before `deadlineMs`, then calls `abort` and waits for the rest, so
 * that what heeds the abort has ended within the deadline too. True if everything ended. Never throws.
 */
export async function settleBefore(work: Promise<unknown>, deadlineMs: number, abort: () => void): Promise<boolean> {
  const graceMs = Math.min(1_000, deadlineMs / 4);
  const settled = work.then(
    () => true,
    () => true,
  );
  if ((await orNull(settled, deadlineMs - graceMs)) === true) return true;
  abort();
  return (await orNull(settled, graceMs)) === true;
}

/** What `work` resolves to, or null when that takes longer than `millis`. */
export async function orNull<T>(work: Promise<T>, millis: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      resolve(null);
    }, millis);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
