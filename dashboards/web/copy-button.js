// @ts-check
/** Copies a text, and says whether it did. */

import { h } from './dom.js';

const SAID_FOR_MS = 2_000;

/**
 * @param {string} text
 * @param {string} label What is copied, for those who can't see what stands beside it.
 * @param {(words: string) => void} announce
 */
export function copyButton(text, label, announce) {
  const button = h(
    'button',
    { type: 'button', class: 'small', 'aria-label': `Copy ${label}`, 'data-key': `copy-${label}` },
    'Copy',
  );
  async function copy() {
    const copied = (await copyByClipboard(text)) || copyBySelection(text);
    button.textContent = copied ? 'Copied' : 'Not copied';
    announce(copied ? `Copied ${label}.` : `Copying ${label} failed; select it by hand.`);
    setTimeout(() => (button.textContent = 'Copy'), SAID_FOR_MS);
  }
  button.addEventListener('click', () => void copy());
  return button;
}

/** @param {string} text */
async function copyByClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Absent on pages without TLS, and refusable.
    return false;
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const field = h('textarea', { class: 'unseen', readonly: true });
  field.value = text;
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
