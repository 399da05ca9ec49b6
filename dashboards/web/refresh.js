// @ts-check
/** Asks again and again while somebody looks: never two questions at once, none while the page is hidden. */

const EVERY_MS = 5_000;
/** A question that takes long is asked less often: at most a tenth of the daemon's time. */
const REST_PER_WORK = 10;

/**
 * @template Data
 * @param {object} options
 * @param {(signal: AbortSignal) => Promise<Data>} options.load
 * @param {(data: Data) => void} options.onData
 * @param {(error: unknown) => boolean} options.onError Says whether to go on asking.
 * @param {boolean} options.repeats
 */
export function keepFresh({ load, onData, onError, repeats }) {
  const closing = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let asking = null;
  let goesOn = true;

  async function ask() {
    clearTimeout(timer);
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const startedMs = performance.now();
    try {
      const data = await load(AbortSignal.any([mine.signal, closing.signal]));
      if (mine.signal.aborted || closing.signal.aborted) return;
      goesOn = repeats;
      onData(data);
    } catch (error) {
      if (mine.signal.aborted || closing.signal.aborted) return;
      goesOn = onError(error);
    }
    asking = null;
    if (goesOn) timer = setTimeout(askIfSeen, Math.max(EVERY_MS, REST_PER_WORK * (performance.now() - startedMs)));
  }

  function askIfSeen() {
    if (!document.hidden) void ask();
  }

  // Coming back shows the present at once.
  document.addEventListener(
    'visibilitychange',
    () => {
      clearTimeout(timer);
      if (goesOn && asking === null) askIfSeen();
    },
    { signal: closing.signal },
  );

  return {
    /** Asks now; resolves when the answer is shown. */
    ask,
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}
