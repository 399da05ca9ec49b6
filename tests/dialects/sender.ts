/** Who sends, where a test does not care. */

import type { OtlpValue } from '../../src/otlp/model.ts';

export const RESOURCE = {
  attributes: new Map<string, OtlpValue>([
    ['service.name', 'shop'],
    ['host.name', 'h1'],
    ['k8s.pod.name', 'p1'],
    ['deployment.environment.name', 'prod'],
  ]),
};
export const SCOPE = { name: 'scope', version: '1' };
