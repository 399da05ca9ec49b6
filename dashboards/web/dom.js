// @ts-check
/**
 * Builds elements. Whatever is given becomes text or an attribute; there is no way to give HTML. Text shows what hides
 * in it: names come from everywhere, as prompts do.
 */

import { visible } from './visible-text.js';

/** @typedef {import('./types.d.ts').Child} Child */

/** Attributes that a value could turn into a script. */
const REFUSED = /^(on|srcdoc|style$)/i;

/**
 * `h('a', { href: '/at', class: 'x', onclick: go }, 'text', child)`. `false`, `null` and `undefined`
 * leave an attribute or a child out; `true` sets an attribute without a value.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: Event) => unknown)>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (REFUSED.test(name)) throw new Error(`${name} can't be set here.`);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * @param {Child} child
 * @returns {(Node | string)[]}
 */
export function nodes(child) {
  if (child === null || child === undefined || child === false) return [];
  if (typeof child === 'number') return [String(child)];
  if (typeof child === 'string') return visible(child);
  if (child instanceof Node) return [child];
  return child.flatMap(nodes);
}

/**
 * A part of a view that is built anew only when what it shows changed, so that a refresh takes
 * away neither a selection, nor what was opened, nor the focus.
 *
 * @template {HTMLElement} Holder
 * @param {Holder} element
 */
export function region(element) {
  /** @type {string | null} */
  let shown = null;
  return {
    element,
    /**
     * @param {unknown} value All that `build` depends on.
     * @param {() => Child} build
     */
    show(value, build) {
      const key = JSON.stringify(value);
      if (key === shown) return;
      shown = key;
      const focused = element.contains(document.activeElement)
        ? document.activeElement?.getAttribute('data-key')
        : null;
      const opened = openDetails(element);
      element.replaceChildren(...nodes(build()));
      for (const details of element.querySelectorAll('details')) {
        const isOpen = opened.get(details.dataset['key'] ?? '');
        if (isOpen !== undefined) details.open = isOpen;
      }
      if (focused) byKey(element, focused)?.focus();
    },
  };
}

/** @param {HTMLElement} element */
function openDetails(element) {
  return new Map(
    [...element.querySelectorAll('details')].map((details) => [details.dataset['key'] ?? '', details.open]),
  );
}

/**
 * @param {HTMLElement} element
 * @param {string} key
 * @returns {HTMLElement | null}
 */
function byKey(element, key) {
  return element.querySelector(`[data-key="${CSS.escape(key)}"]`);
}
