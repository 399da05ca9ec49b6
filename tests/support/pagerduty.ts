/**
 * Stands in for PagerDuty's Events API v2: checks an event as PagerDuty does, and keeps what became of the alerts.
 * Written from https://developer.pagerduty.com/docs/send-alert-event and
 * https://developer.pagerduty.com/docs/events-api-v2-overview.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, WebhookReceiver } from './webhook-receiver.ts';

export interface PagedAlert {
  readonly dedupKey: string;
  status: 'triggered' | 'resolved';
  /** Of the first; PagerDuty shows what came later in the alert's log. */
  readonly payload: any;
  triggers: number;
}

const EVENT_BYTES_MAX = 512 * 1024;
const SEVERITIES = new Set(['critical', 'error', 'warning', 'info']);

export class PagerDutyStandIn extends WebhookReceiver {
  readonly alerts: PagedAlert[] = [];
  /** Of the one service that there is. */
  readonly routingKey = 's3cr3tw0rd0fth3w3bh00k0123456789';

  static override async start(): Promise<PagerDutyStandIn> {
    const pagerduty = new PagerDutyStandIn();
    await pagerduty.listen();
    return pagerduty;
  }

  protected override accept(headers: IncomingHttpHeaders, body: string): Answer {
    if (Buffer.byteLength(body) > EVENT_BYTES_MAX) return { status: 413 };
    const event = parsed(body);
    const errors = event === null ? ['JSON cannot be parsed'] : this.#mistakesOf(event);
    if (errors.length > 0) {
      const message = errors.some((error) => error.includes('routing key'))
        ? 'Invalid event'
        : 'Event object is invalid';
      return { status: 400, body: JSON.stringify({ status: 'invalid event', message, errors }) };
    }
    this.raw.push({ headers, body });
    this.messages.push(event);
    this.#apply(event);
    const answer = { status: 'success', message: 'Event processed', dedup_key: event.dedup_key };
    return { status: 202, body: JSON.stringify(answer) };
  }

  #apply({ event_action: action, dedup_key: dedupKey, payload }: any): void {
    const open = this.alerts.find((alert) => alert.dedupKey === dedupKey && alert.status === 'triggered');
    if (action === 'resolve') {
      if (open !== undefined) open.status = 'resolved';
    } else if (open === undefined) this.alerts.push({ dedupKey, status: 'triggered', payload, triggers: 1 });
    else open.triggers += 1;
  }

  #mistakesOf({ routing_key: key, event_action: action, dedup_key: dedupKey, payload, links }: any): string[] {
    const mistakes: string[] = [];
    if (typeof key !== 'string' || key.length !== 32)
      mistakes.push("Length of 'routing_key' is incorrect (should be 32 characters)");
    else if (key !== this.routingKey) mistakes.push('Invalid routing key');
    if (!['trigger', 'acknowledge', 'resolve'].includes(action)) mistakes.push("'event_action' is invalid");
    if (!isText(dedupKey, 255)) mistakes.push("'dedup_key' is invalid");
    if (action !== 'trigger') return mistakes;
    if (!isText(payload?.summary, 1_024)) mistakes.push("'payload.summary' is invalid");
    if (!isText(payload?.source, 65_536)) mistakes.push("'payload.source' is missing or blank");
    if (!SEVERITIES.has(payload?.severity)) mistakes.push("'payload.severity' is invalid");
    if (Number.isNaN(Date.parse(payload?.timestamp))) mistakes.push("'payload.timestamp' is invalid");
    if (!(links ?? []).every((each: any) => isText(each.href, 65_536))) mistakes.push("'links' is invalid");
    return mistakes;
  }
}

function parsed(body: string): any {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function isText(text: unknown, charactersMax: number): boolean {
  return typeof text === 'string' && text !== '' && text.length <= charactersMax;
}
