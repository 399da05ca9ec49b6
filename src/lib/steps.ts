/** Long work that can stop after each of its steps, for as long as others need the thread. */

/** Each step takes a few milliseconds at most. */
export type Steps<Result = void> = Generator<void, Result>;

/** What it comes to, without a stop. */
export function resultOf<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
