/**
 * Posts an alert as JSON to any address, signed so that the receiver can tell it from a forgery:
 * `x-plumbline-signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 of `SECONDS.BODY` under the
 * configured secret.
 */

import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type Alert, type ChannelContext, channelPlugin } from '../contract/channel.ts';
import { statusFault } from '../lib/http.ts';
import { millisFromTimestamp } from '../lib/time.ts';

const Config = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Without it, requests are not signed. */
  secret: z.string().min(1).optional(),
});
type Config = z.output<typeof Config>;

export const webhook = channelPlugin({
  type: 'webhook',
  summary: 'Posts alerts as signed JSON to an address of yours.',
  config: Config,
  example: { url: 'https://example.com/hook', secret: 'file:/run/secrets/hook' },
  create: (config, context) => ({ send: (alert, signal) => post(config, context, alert, signal) }),
});

async function post(config: Config, context: ChannelContext, alert: Alert, signal: AbortSignal): Promise<string> {
  const body = JSON.stringify(messageOf(alert));
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'plumbline',
    // The same at every attempt: a receiver that keeps it can drop a repeat.
    'x-plumbline-delivery': alert.deliveryId,
  };
  if (config.secret !== undefined) {
    headers['x-plumbline-signature'] = signatureOf(
      body,
      config.secret,
      Math.floor(millisFromTimestamp(alert.at) / 1_000),
    );
  }
  const response = await context.fetch(config.url, { method: 'POST', headers, body, signal });
  await response.body?.cancel();
  // What the body of a refusal says is not repeated: it may echo what we sent.
  if (!response.ok) throw statusFault(config.url, response);
  return `status ${response.status}`;
}

function signatureOf(body: string, secret: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

function messageOf(alert: Alert): object {
  return {
    id: alert.deliveryId,
    transition: alert.transition,
    at: alert.at,
    incident: snakeCased(alert.incident),
    restore_command: alert.restoreCommand,
    show_command: alert.showCommand,
    url: alert.url,
  };
}

/** The incident has the same fields, spelled the same way, as in the HTTP API. */
function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, nested]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCased(nested),
    ]),
  );
}
