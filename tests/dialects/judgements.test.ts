/** Judgements that stand at the span of the call, where the conventions want a record. */

import { describe, expect, it } from 'vitest';
import { event, read } from './span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

describe('judgements as events of a span', () => {
  const judged = (name: string, more: object) =>
    event('gen_ai.evaluation.result', { 'gen_ai.evaluation.name': name, ...more });

  it('are of the call whose span has them, unless they name another', () => {
    const facts = read(
      { ...CALL, 'gen_ai.response.id': 'resp-1' },
      {
        events: [
          judged('helpful', { 'gen_ai.evaluation.score.value': 0.5, 'gen_ai.evaluation.explanation': 'Half of it.' }),
          judged('safe', { 'gen_ai.evaluation.score.label': 'pass', 'gen_ai.response.id': 'resp-1' }),
          judged('other', { 'gen_ai.evaluation.score.value': 1, 'gen_ai.response.id': 'resp-2' }),
          judged('failed', {}),
        ],
      },
    );
    expect(facts?.evaluations).toEqual([
      { name: 'helpful', score: 0.5, label: null, explanation: 'Half of it.' },
      { name: 'safe', score: null, label: 'pass', explanation: null },
    ]);
    expect(read(CALL, { events: [judged('failed', {})] })?.evaluations).toBeUndefined();
  });
});
