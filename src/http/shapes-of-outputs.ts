/** The JSON about outputs; as `shapes.ts`. Pure. */

import type { OutputChange, OutputOf, OutputStatus } from '../contract/output-log.ts';

/** Of an output of which it is asked; undefined: the texts of examples are not. */
export type TextOf = ((output: OutputOf) => string | null) | undefined;

export function outputStatusShape(status: OutputStatus, alarmAtLog10Score: number, textOf: TextOf): object {
  const { environment, prompt, version, model } = status.series;
  const { learning, baseline, change } = status;
  return {
    environment,
    prompt,
    version,
    model,
    state: status.state,
    at: status.at,
    last_hour: status.lastHour,
    learning: learning && {
      since: learning.since,
      outputs: learning.outputs,
      outputs_needed: learning.outputsNeeded,
      until: learning.until,
    },
    baseline: baseline && {
      from: baseline.from,
      until: baseline.until,
      outputs: baseline.outputs,
      made_at: baseline.madeAt,
      compared_from: baseline.comparedFrom,
    },
    log10_score: status.log10Score,
    alarm_at_log10_score: alarmAtLog10Score,
    change: change && changeShape(change, textOf),
  };
}

function changeShape(change: OutputChange, textOf: TextOf): object {
  const exampleShape = (output: OutputOf): object => ({
    trace_id: output.traceId,
    span_id: output.spanId,
    started_at: output.startedAt,
    ...(textOf === undefined ? {} : { text: textOf(output) }),
  });
  return {
    between: change.between,
    since_hour: change.sinceHour,
    noticed_at: change.noticedAt,
    features: change.features.map(({ name, words, before, now, log10Factor, windowHours }) => {
      return { name, words, before, now, log10_factor: log10Factor, window_hours: windowHours };
    }),
    inputs_changed: change.inputsChanged,
    outputs_before: change.outputsBefore,
    outputs_since: change.outputsSince,
    examples_before: change.examplesBefore.map(exampleShape),
    examples_since: change.examplesSince.map(exampleShape),
  };
}
