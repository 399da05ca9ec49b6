import { expect, test } from 'vitest';
import { createAttributor } from '../../src/attribution/index.ts';
import { version } from '../support/prompts.ts';

test('near matches are looked for in steps, so that others have their turn in between', () => {
  const attributor = createAttributor();
  const text = 'You are a customer support intent classifier. Answer with the intent, and only with the intent.';
  const versions = Array.from({ length: 20 }, (_, index) => version(String(index + 1), `${text} Rule ${index}.`));
  attributor.addAll(versions);
  const query = { text: `${text.replace('support', 'service')} Rule 7.` };
  const steps = attributor.nearSteps(query);
  let stops = 0;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) stops++;
  expect(step.value).toEqual(attributor.near(query));
  expect(step.value).not.toEqual([]);
  // For the text, the message of each version, and each candidate.
  expect(stops).toBeGreaterThan(versions.length);
});
