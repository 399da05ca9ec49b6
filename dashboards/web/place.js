// @ts-check
/** Where somebody was in a view: who comes back to a long list goes on where they left it. */

/** @typedef {{ scroll: number, key: string }} Place */

/**
 * In the entry of the history that is left now.
 * @param {HTMLElement} main
 */
export function notePlace(main) {
  const focused = document.activeElement;
  const key = (main.contains(focused) ? focused?.getAttribute('data-key') : null) ?? '';
  history.replaceState({ scroll: window.scrollY, key }, '');
}

/**
 * @param {unknown} state
 * @returns {Place | null}
 */
export function placeOf(state) {
  if (typeof state !== 'object' || state === null || !('scroll' in state) || !('key' in state)) return null;
  return typeof state.scroll === 'number' && typeof state.key === 'string'
    ? { scroll: state.scroll, key: state.key }
    : null;
}

/**
 * Once the view shows what it showed then.
 * @param {Place} place
 * @param {HTMLElement} main
 */
export function returnTo({ scroll, key }, main) {
  window.scrollTo(0, scroll);
  if (key === '') return;
  const element = main.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (element instanceof HTMLElement) element.focus({ preventScroll: true });
}
