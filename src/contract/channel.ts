/**
 * What a notification channel implements. One file in `src/channels/`, one line in its `index.ts`.
 * A channel formats and sends one message once; retries, back-off, dedup and receipts are the
 * alerting pipeline's.
 */

import type { z } from 'zod';
import type { Incident, IncidentTransition } from './incident.ts';
import type { Timestamp } from './time.ts';

/** All a channel needs to write a good message; nothing has to be looked up. */
export interface Alert {
  /** Stable over retries and replicas: the receiver may use it to drop a repeat. */
  readonly deliveryId: string;
  readonly transition: IncidentTransition;
  readonly incident: Incident;
  readonly at: Timestamp;
  /** What the operator can paste, e.g. `plumbline restore checkout-config/support.intent-classifier --expect sha256:2ab0b2c87b60`. */
  readonly restoreCommand: string | null;
  /** Command that shows more. */
  readonly showCommand: string;
  /** Page of the incident, when the daemon knows its own address. */
  readonly url: string | null;
}

/** Alerts through one channel that came close together, two or more, all of them ends or none. */
export interface AlertGroup {
  /** The same for the same alerts; their deliveries say that they went out in it. */
  readonly id: string;
  readonly alerts: readonly Alert[];
  /** Command that puts back all of them that can be; null when none can. */
  readonly restoreCommand: string | null;
  /** Command that lists what they are about, and more. */
  readonly showCommand: string;
  /** Page that lists it, when the daemon knows its own address. */
  readonly url: string | null;
}

export interface ChannelPlugin<Config> {
  readonly type: string;
  readonly summary: string;
  /** The channel's own keys; `name` and `type` are the host's. Use `z.strictObject`. */
  readonly config: z.ZodType<Config>;
  readonly example: unknown;
  create(config: Config, context: ChannelContext): Channel;
}

export interface ChannelContext {
  readonly name: string;
  readonly fetch: typeof globalThis.fetch;
  /** Writes a block to the daemon's console, for people. */
  readonly print: (text: string) => void;
  /** True when that console shows colours (a terminal, and nobody set NO_COLOR). Default: no. */
  readonly colour?: boolean;
}

export interface Channel {
  /**
   * Sends once. Returns the receiver's receipt (an id, a status) for the delivery row. Throws a
   * `Fault`: `transient` or `overloaded` are retried (after `retryAfterMs` if given), `config` and
   * `permanent` are not.
   */
  send(alert: Alert, signal: AbortSignal): Promise<string>;
  /**
   * For people: all of them in one message, however many; it may list some and count the rest. A channel
   * without it gets each by itself. `permanent` says that this message is refused, and its alerts go out
   * in smaller groups; a receiver that takes none at all is `config`.
   */
  sendTogether?(group: AlertGroup, signal: AbortSignal): Promise<string>;
  close?(): Promise<void>;
}

/** A channel plugin with its types erased; see `sourcePlugin` for why. */
export interface AnyChannelPlugin {
  readonly type: string;
  readonly summary: string;
  readonly config: z.ZodType;
  readonly example: unknown;
  open(config: unknown, context: ChannelContext): Channel;
}

export function channelPlugin<Config>(plugin: ChannelPlugin<Config>): AnyChannelPlugin {
  return {
    type: plugin.type,
    summary: plugin.summary,
    config: plugin.config,
    example: plugin.example,
    open: (config, context) => plugin.create(plugin.config.parse(config), context),
  };
}
