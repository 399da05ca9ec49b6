/**
 * Instruments of the daemon's own metrics. OpenTelemetry's meter counts nothing when it is asked for
 * before the provider is there, and modules are loaded before that: so each instrument is made when
 * it is first used.
 */

import { metrics, type Attributes, type Counter, type Meter } from '@opentelemetry/api';

/** Labels must be few and their values a closed set. */
export type Count = (amount: number, labels?: Attributes) => void;

interface Description {
  /** `plumbline.…`, lower case, with dots. */
  readonly name: string;
  readonly description: string;
  /** UCUM; `1` unless told otherwise. */
  readonly unit?: string;
}

export type Labels = Attributes;

interface CounterDescription extends Description {
  /** See `showAtZero`. */
  readonly fromZero?: readonly Labels[];
}

interface KnownCounter {
  readonly count: Count;
  readonly add: Count;
  readonly fromZero: readonly Labels[];
}

const counters = new Map<string, KnownCounter>();
let areShown = false;

/** Only ever grows. */
export function counter({ fromZero = [], ...of }: CounterDescription): Count {
  const add = lazily(of, (from, { name, ...rest }) => from.createCounter(name, rest));
  const count: Count = (amount, labels = {}) => {
    if (amount <= 0) return;
    if (elsewhere === null) add(amount, labels);
    else elsewhere.add({ of, amount, labels });
  };
  const known = { count, add, fromZero };
  counters.set(of.name, known);
  if (areShown) show(known);
  return count;
}

/** Shows what counters begin with. To be called where the meter is, once it is there. */
export function showCounters(): void {
  areShown = true;
  for (const known of counters.values()) show(known);
}

function show({ add, fromZero }: KnownCounter): void {
  for (const labels of fromZero) add(0, labels);
}

/**
 * Without this nothing is seen of these labels before they were counted for the first time, and then they begin with 1,
 * which is no increase: whoever is told of an increase would not be told of the first. To be called where the meter is.
 */
export function showAtZero(name: string, labels: Labels): void {
  counters.get(name)?.add(0, labels);
}

/** A sum of one counter, on its way from a thread without a meter to the one that has it. */
export interface Counted {
  readonly of: Description;
  readonly amount: number;
  readonly labels: Attributes;
}

/** What was counted in a thread since it was last asked. */
class CountsElsewhere {
  readonly #sums = new Map<string, Counted>();

  add({ of, amount, labels }: Counted): void {
    const key = [of.name, ...Object.values(labels)].join(' ');
    this.#sums.set(key, { of, amount: amount + (this.#sums.get(key)?.amount ?? 0), labels });
  }

  take(): readonly Counted[] {
    if (this.#sums.size === 0) return NOTHING_COUNTED;
    const sums = [...this.#sums.values()];
    this.#sums.clear();
    return sums;
  }
}

const NOTHING_COUNTED: readonly Counted[] = [];
let elsewhere: CountsElsewhere | null = null;

/** From now on this thread only adds up; whoever has the meter counts it with `recount`. */
export function countElsewhere(): CountsElsewhere {
  elsewhere ??= new CountsElsewhere();
  return elsewhere;
}

/** What was counted elsewhere; by the counters of this thread, where it has them. */
export function recount(sums: readonly Counted[]): void {
  for (const { of, amount, labels } of sums) (counters.get(of.name)?.count ?? counter(of))(amount, labels);
}

/** One of the values of a gauge, which labels tell apart. */
export interface LabelledValue {
  readonly value: number;
  readonly labels: Attributes;
}

type Read = () => number | Promise<readonly LabelledValue[]>;

const readings = new WeakMap<Meter, Map<string, Read>>();

/**
 * What is read when somebody looks; nothing is seen of it while that fails. To be called when the daemon is put together,
 * not when a module is loaded; where that happens again, what was read before is not held on to.
 */
export function gauge({ name, ...rest }: Description, read: Read): void {
  const meter = plumblineMeter();
  const known = readings.get(meter) ?? new Map<string, Read>();
  readings.set(meter, known);
  const isNew = !known.has(name);
  known.set(name, read);
  if (!isNew) return;
  meter.createObservableGauge(name, rest).addCallback(async (result) => {
    const values = known.get(name)?.() ?? 0;
    if (typeof values === 'number') result.observe(values);
    else for (const { value, labels } of await values.catch(() => [])) result.observe(value, labels);
  });
}

function lazily(options: Description, make: (meter: Meter, options: Description) => Pick<Counter, 'add'>): Count {
  let instrument: Pick<Counter, 'add'> | undefined;
  return (amount, labels) => {
    instrument ??= make(plumblineMeter(), options);
    instrument.add(amount, labels);
  };
}

function plumblineMeter(): Meter {
  return metrics.getMeter('plumbline');
}
