/** The registry of channels: one file here, one line here. */

import type { AnyChannelPlugin } from '../contract/channel.ts';
import { console } from './console.ts';
import { email } from './email.ts';
import { pagerduty } from './pagerduty.ts';
import { slack } from './slack.ts';
import { webhook } from './webhook.ts';

export const CHANNEL_PLUGINS: readonly AnyChannelPlugin[] = [console, email, pagerduty, slack, webhook];
