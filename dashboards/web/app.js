// @ts-check
/** The page around the views: addresses, the key, what is fresh and what went wrong. */

import { ApiProblem, NoAnswer, createApi, daemonNowMs, storedKey } from './api.js';
import { h } from './dom.js';
import { keyForm } from './key-form.js';
import { createNotices, problemPage } from './notices.js';
import { notePlace, placeOf, returnTo } from './place.js';
import { keepFresh } from './refresh.js';
import { findRoute } from './routes.js';
import { age, refreshAges, timestampOf } from './time.js';
import { visibleText } from './visible-text.js';

/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').Query} Query */
/** @typedef {import('./types.d.ts').View<any>} AnyView */

const NAME = 'Plumbline';

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}.`);
  return element;
}

// The HTML knows its own depth; from here on the address changes and the base must not.
const base = new URL(document.baseURI);
document.querySelector('base')?.setAttribute('href', base.href);

const main = byId('main');
const freshness = byId('freshness');
const announcement = byId('announcement');
const skip = byId('skip');
const notices = createNotices(byId('banner'));
const api = createApi(base);
/** Below a view's headings, which alone would look as if there were nothing. */
const loading = h('p', { class: 'quiet' }, 'Loading …');

/** @type {{ close: () => void, ask: () => Promise<void> } | null} */
let current = null;

/**
 * @param {string} path
 * @param {Query} [query]
 */
function href(path, query = {}) {
  const url = new URL(path === '' ? './' : path, base);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') url.searchParams.set(name, value);
  return url.pathname + url.search;
}

/** @param {string} words */
function announce(words) {
  announcement.textContent = words;
}

/** @param {string} title */
function setTitle(title) {
  document.title = title === '' ? NAME : `${visibleText(title)} · ${NAME}`;
}

/** @param {string} address */
function go(address) {
  notePlace(main);
  history.pushState(null, '', address);
  openView(true);
}

/** @param {string} id @returns {Context} */
function contextOf(id) {
  return {
    api,
    id,
    query: new URLSearchParams(location.search),
    href,
    setAddress: (path, query) => {
      history.replaceState(history.state, '', href(path, query));
      pointSkipLink();
    },
    go,
    reload: async () => current?.ask(),
    announce,
    fail: (error) => {
      if (error instanceof ApiProblem && error.status === 401) askForKey(error);
      else notices.failed(error);
    },
  };
}

/**
 * @param {boolean} moveFocus
 * @param {import('./place.js').Place | null} [place] Where somebody was who comes back.
 */
function openView(moveFocus, place = null) {
  current?.close();
  current = null;
  notices.dismiss();
  pointSkipLink();
  const found = findRoute(location.pathname.slice(base.pathname.length));
  lightNavigation(found?.route.name ?? '');
  if (found === null) {
    const error = new Error('There is no such page.');
    showInstead(problemPage(error, h('a', { href: href('') }, 'To the overview')), 'Not found');
    return;
  }
  const view = found.route.open(contextOf(found.id));
  current = run(view, place);
  setTitle(view.title);
  main.replaceChildren(view.element, loading);
  window.scrollTo(0, 0);
  if (moveFocus) focusHeading();
  void current.ask();
}

/**
 * @param {AnyView} view
 * @param {import('./place.js').Place | null} place
 */
function run(view, place) {
  /** @type {string | null} */
  let lastAnswer = null;
  let wasAt = place;
  freshness.replaceChildren();
  return keepFresh({
    load: view.load,
    repeats: view.refreshes,
    onData: (data) => {
      notices.connected();
      lastAnswer = timestampOf(daemonNowMs());
      if (main.firstElementChild !== view.element) main.replaceChildren(view.element);
      loading.remove();
      setTitle(view.show(data) ?? view.title);
      showFreshness(lastAnswer);
      refreshAges(main);
      if (wasAt !== null) returnTo(wasAt, main);
      wasAt = null;
    },
    onError: (error) => {
      if (error instanceof ApiProblem && error.status < 500) {
        refuse(error);
        return false;
      }
      if (!(error instanceof ApiProblem || error instanceof NoAnswer)) console.error(error);
      notices.disconnected(error, lastAnswer);
      return true;
    },
  });
}

/**
 * The daemon answered, and asking the same again would not help.
 * @param {ApiProblem} error
 */
function refuse(error) {
  notices.connected();
  if (error.status === 401) {
    askForKey(error);
    return;
  }
  const again = h('button', { type: 'button', onclick: () => openView(true) }, 'Try again');
  const ways =
    error.status === 403
      ? [h('button', { type: 'button', onclick: forgetKey }, 'Use another key')]
      : [again, ' ', h('a', { href: href('') }, 'To the overview')];
  showInstead(problemPage(error, ...ways), error.title);
  focusHeading();
}

/** @param {ApiProblem} error */
function askForKey(error) {
  const form = keyForm(error, () => openView(true));
  storedKey.forget();
  showInstead(form.element, 'Key');
  form.focus();
}

function forgetKey() {
  storedKey.forget();
  openView(true);
}

/**
 * @param {HTMLElement} element
 * @param {string} title
 */
function showInstead(element, title) {
  current?.close();
  freshness.replaceChildren();
  main.replaceChildren(element);
  setTitle(title);
}

/** @param {string} lastAnswer */
function showFreshness(lastAnswer) {
  const forget =
    storedKey.get() === null
      ? []
      : [' ', h('button', { type: 'button', class: 'small', onclick: forgetKey }, 'Forget key')];
  freshness.replaceChildren('Updated ', age(lastAnswer), ...forget);
}

/** @param {string} name */
function lightNavigation(name) {
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('data-view') === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function focusHeading() {
  const heading = main.querySelector('h1');
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** With a base, `#main` alone would lead to another page. */
function pointSkipLink() {
  skip.setAttribute('href', `${location.pathname}${location.search}#main`);
}

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target !== '' || link.download !== '')
    return;
  const url = new URL(link.href);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return;
  if (url.hash !== '' || findRoute(url.pathname.slice(base.pathname.length)) === null) return;
  event.preventDefault();
  go(url.pathname + url.search);
});
skip.addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener('popstate', () => openView(true, placeOf(history.state)));
setInterval(() => {
  if (!document.hidden) refreshAges(document);
}, 1_000);

openView(false);
