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

/** Only ever grows. Nothing is seen of it before it was counted for the first time. */
export function counter(options: Description): Count {
  const add = lazily(options, (from, { name, ...rest }) => from.createCounter(name, rest));
  return (amount, labels) => {
    if (amount > 0) add(amount, labels);
  };
}

const readings = new WeakMap<Meter, Map<string, () => number>>();

/**
 * A value that is read when somebody looks. To be called when the daemon is put together, not when a module is loaded;
 * where that happens again, what was read before is not held on to.
 */
export function gauge({ name, ...rest }: Description, read: () => number): void {
  const meter = plumblineMeter();
  const known = readings.get(meter) ?? new Map<string, () => number>();
  readings.set(meter, known);
  const isNew = !known.has(name);
  known.set(name, read);
  if (isNew) meter.createObservableGauge(name, rest).addCallback((result) => result.observe(known.get(name)?.() ?? 0));
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
