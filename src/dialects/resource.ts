/** Who sent it: service, instance and environment from resource attributes. Pure, and read once a request. */

import { firstText } from '../otlp/attributes.ts';
import type { OtlpResource } from '../otlp/model.ts';

interface Sender {
  readonly service?: string;
  readonly instance?: string;
  readonly environment?: string;
}

const senders = new WeakMap<OtlpResource, Sender>();

export function senderOf(resource: OtlpResource): Sender {
  let sender = senders.get(resource);
  if (sender === undefined) {
    sender = readSender(resource);
    senders.set(resource, sender);
  }
  return sender;
}

function readSender({ attributes }: OtlpResource): Sender {
  const service = firstText(attributes, ['service.name']);
  const instance = firstText(attributes, [
    'service.instance.id',
    'k8s.pod.name',
    'k8s.pod.uid',
    'container.id',
    'faas.instance',
    'host.name',
    'host.id',
  ]);
  const environment = firstText(attributes, ['deployment.environment.name', 'deployment.environment']);
  return {
    // SDKs that were told no name make one up from the path of their runtime, which names nothing.
    ...(service === undefined ? {} : { service: service.startsWith('unknown_service') ? 'unknown_service' : service }),
    ...(instance === undefined ? {} : { instance }),
    ...(environment === undefined ? {} : { environment }),
  };
}
