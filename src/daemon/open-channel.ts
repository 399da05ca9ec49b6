/** A channel as the configuration describes it. */

import { CHANNEL_PLUGINS } from '../channels/index.ts';
import type { ChannelConfiguration } from '../config/configuration.ts';
import type { Channel } from '../contract/channel.ts';
import { boundedFetch, DEFAULT_FETCH_LIMITS } from '../lib/http.ts';

export function openChannel(
  { name, type, config }: ChannelConfiguration,
  print: (text: string) => void,
  colour: boolean,
): Channel {
  const plugin = CHANNEL_PLUGINS.find((candidate) => candidate.type === type);
  if (plugin === undefined) throw new Error(`The configuration let the channel type ${type} through.`);
  return plugin.open(config, { name, fetch: boundedFetch(DEFAULT_FETCH_LIMITS), print, colour });
}
