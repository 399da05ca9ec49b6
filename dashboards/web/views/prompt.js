// @ts-check
/** One prompt: where it is watched, what is pinned, its versions, which of them is in use, and how its answers are. */

import { ApiProblem, daemonNowMs } from '../api.js';
import { h, region } from '../dom.js';
import { incidentItem } from '../incident-item.js';
import { plural } from '../numbers.js';
import { createBaselines } from '../baselines.js';
import { createOutputs } from '../outputs.js';
import { facts, section } from '../parts.js';
import { createTable } from '../table.js';
import { createTargetTable, targetRows } from '../target-table.js';
import { timeAndAge, timestampOf } from '../time.js';
import { usageColumns } from '../usage-columns.js';
import { promptText } from '../prompt-text.js';
import { shortHash, versionWords } from '../words.js';

/** @typedef {import('../types.d.ts').BaselineStatus} BaselineStatus */
/** @typedef {import('../types.d.ts').Context} Context */
/** @typedef {import('../types.d.ts').Incident} Incident */
/** @typedef {import('../types.d.ts').OutputStatus} OutputStatus */
/** @typedef {import('../types.d.ts').Pin} Pin */
/** @typedef {import('../types.d.ts').Prompt} Prompt */
/** @typedef {import('../types.d.ts').Target} Target */
/** @typedef {import('../types.d.ts').UsageRow} UsageRow */
/** @typedef {import('../types.d.ts').Version} Version */
/**
 * @template Item
 * @typedef {import('../types.d.ts').Listed<Item>} Listed
 */
/** @typedef {{ prompt: Prompt | null, versions: readonly Version[], targets: readonly Target[], incidents: Listed<Incident>, usage: readonly UsageRow[], outputs: readonly OutputStatus[], baselines: readonly BaselineStatus[] }} Data */

const DAY_MS = 86_400_000;
const INCIDENTS_MAX = 20;
const USAGE_COLUMNS = [
  'version',
  'calls',
  'errors',
  'input_tokens',
  'output_tokens',
  'cost',
  'cost_of_call',
  'unpriced',
  'p50',
  'p95',
  'judged',
  'declared',
];

/**
 * @param {Context} context
 * @returns {import('../types.d.ts').View<Data>}
 */
export function openPrompt(context) {
  const { id } = context;
  const about = region(h('div', {}));
  const incidents = region(h('div', {}));
  const targets = createTargetTable(context, 'It is watched nowhere.');
  const usage = createTable({
    caption: 'Usage by version in the last 24 hours',
    noun: 'version',
    empty: 'No calls were seen in the last 24 hours.',
    keyOf: (/** @type {UsageRow} */ row) => row.version ?? '',
    columns: usageColumns(USAGE_COLUMNS),
    order: { key: 'calls', descending: true },
  });
  const outputs = createOutputs();
  const baselines = createBaselines();
  const pins = region(h('div', {}));
  const versions = region(h('div', { class: 'versions' }));
  // The version before is mostly gone from the last day.
  const longerUsage = h(
    'a',
    { href: context.href('usage', { group_by: 'prompt,version', range: '30d', q: id }), 'data-key': 'usage' },
    'Its versions beside each other, of 30 days',
  );

  return {
    title: id,
    element: h(
      'article',
      {},
      h('h1', {}, id),
      about.element,
      incidents.element,
      section('Targets', targets.element),
      section('Pinned', pins.element),
      section('Usage in the last 24 hours', usage.element, h('p', {}, longerUsage)),
      section('Declared and measured', baselines.element),
      section('Outputs', outputs.element),
      section('Versions', versions.element),
    ),
    refreshes: true,
    load: (signal) => load(context, signal),
    show: (data) => {
      about.show([data.prompt, data.versions.length], () => aboutWords(data, context));
      incidents.show(data.incidents, () => incidentPart(data.incidents, context));
      targets.show(targetRows(data.targets));
      pins.show(data.prompt?.pins, () => pinList(data.prompt?.pins ?? []));
      usage.show(data.usage);
      outputs.show(data.outputs);
      baselines.show(data.baselines);
      const newestFirst = data.versions.toReversed();
      versions.show([newestFirst, data.prompt?.pins], () =>
        newestFirst.length === 0
          ? h('p', { class: 'quiet' }, 'No version is registered.')
          : newestFirst.map((version) => versionPart(version, data.prompt?.pins ?? [])),
      );
    },
  };
}

/**
 * @param {Context} context
 * @param {AbortSignal} signal
 * @returns {Promise<Data>}
 */
async function load({ api, id }, signal) {
  const from = timestampOf(daemonNowMs() - DAY_MS);
  const [versions, prompts, targets, incidents, usage, outputs, baselines] = await Promise.all([
    api.versions(id, signal).catch(nothingRegistered),
    api.prompts(signal),
    api.targets({ prompt: id }, signal),
    api.incidents({ prompt: id, status: 'unresolved', limit: String(INCIDENTS_MAX) }, signal),
    api.usage({ group_by: 'version', prompt: id, from }, signal),
    api.outputs({ prompt: id }, signal),
    api.baselines({ prompt: id }, signal),
  ]);
  return {
    versions: versions.data,
    prompt: prompts.data.find((prompt) => prompt.id === id) ?? null,
    targets: targets.data,
    incidents,
    usage: usage.data,
    outputs: outputs.data,
    baselines: baselines.data,
  };
}

/**
 * A prompt may be watched, or used, without being registered.
 * @param {unknown} error
 * @returns {Listed<Version>}
 */
function nothingRegistered(error) {
  if (error instanceof ApiProblem && error.status === 404) return { data: [], next_cursor: null };
  throw error;
}

/**
 * @param {Listed<Incident>} incidents
 * @param {Context} context
 */
function incidentPart({ data, next_cursor: more }, context) {
  if (data.length === 0) return null;
  return section(
    more === null
      ? `${plural(data.length, 'incident')} not resolved`
      : `The ${data.length} newest incidents not resolved`,
    h(
      'ul',
      { class: 'incident-list' },
      data.map((incident) => incidentItem(incident, context)),
    ),
  );
}

/**
 * @param {Data} data
 * @param {Context} context
 */
function aboutWords({ prompt }, context) {
  const at = h(
    'a',
    { href: context.href('at', { prompt: context.id }), 'data-key': 'at' },
    'What was active at a time',
  );
  if (prompt === null) return [h('p', { class: 'quiet' }, 'It is not registered.'), h('p', {}, at)];
  const includes = prompt.included_by.map((id, index) => [
    index === 0 ? '' : ', ',
    h('a', { href: context.href(`prompts/${encodeURIComponent(id)}`) }, id),
  ]);
  return facts([
    ['Owner', prompt.owner],
    ['Tags', prompt.tags.length === 0 ? null : prompt.tags.join(', ')],
    ['Newest', versionWords(prompt.newest_version)],
    ['Included by', includes.length === 0 ? null : includes],
    ['Time machine', at],
  ]);
}

/** @param {readonly Pin[]} pins */
function pinList(pins) {
  if (pins.length === 0)
    return h('p', { class: 'quiet' }, 'No environment pins a version: nothing says what should be there.');
  return h(
    'ul',
    { class: 'plain' },
    pins.map((pin) =>
      h(
        'li',
        {},
        h('strong', {}, pin.environment),
        ` ${versionWords(pin.version)} `,
        shortHash(pin.hash),
        h(
          'span',
          { class: 'quiet' },
          ` by ${pin.rule}`,
          pin.since === null ? null : [', since ', timeAndAge(pin.since)],
          pin.by === null ? null : `, set by ${pin.by}`,
        ),
      ),
    ),
  );
}

/**
 * @param {Version} version
 * @param {readonly Pin[]} pins
 */
function versionPart(version, pins) {
  const { file, line, commit } = version.origin;
  const pinnedIn = pins.filter((pin) => pin.version === version.version).map((pin) => pin.environment);
  const metrics = Object.entries(version.metrics).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`);
  return h(
    'section',
    { class: 'version' },
    h(
      'h3',
      {},
      versionWords(version.version),
      pinnedIn.map((environment) => [' ', h('span', { class: 'label' }, `pinned in ${environment}`)]),
    ),
    h(
      'p',
      { class: 'quiet' },
      registration(version),
      version.parent === null ? null : `, after ${versionWords(version.parent)}`,
      `; ${file}${line === undefined ? '' : `:${line}`}`,
      commit === undefined ? null : [' @ ', h('code', { title: commit }, commit.slice(0, 12))],
      version.components.length === 0
        ? null
        : `; includes ${version.components.map((component) => `${component.id}@${component.version}`).join(', ')}`,
      metrics.length === 0 ? null : `; ${metrics.join(', ')}`,
    ),
    version.variants.map((variant) => [
      promptText(
        `${variant.model === '' ? 'Text' : variant.model}, ${variant.format}`,
        variant.text,
        `${version.version}/${variant.hash}`,
      ),
      h('p', { class: 'quiet variant' }, shortHash(variant.hash), ' ', settingsWords(variant.settings)),
    ]),
  );
}

/** @param {Version} version */
function registration({ registered_at: at, author }) {
  if (at === null) return author === null ? 'Author and time are not known' : `By ${author}, at an unknown time`;
  return ['Registered ', timeAndAge(at), ` by ${author ?? 'an unknown author'}`];
}

/** @param {object} settings */
function settingsWords(settings) {
  const entries = Object.entries(settings).filter(([name]) => name !== 'model');
  return entries.length === 0
    ? null
    : h('code', {}, entries.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', '));
}
