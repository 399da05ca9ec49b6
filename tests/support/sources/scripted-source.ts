/** A source plugin whose behaviour a test decides: what the host does must not depend on a real place. */

import { z } from 'zod';
import { sourcePlugin } from '../../../src/contract/source-plugin.ts';
import type { AnySourcePlugin, LiveContent, Reading, Source, SourceTarget } from '../../../src/contract/source.ts';
import { textBody } from '../../../src/text/body.ts';

export interface Script {
  read(
    targets: readonly SourceTarget<unknown>[],
    known: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): AsyncIterable<Reading>;
  restore?: Source<unknown>['restore'];
  webhook?: Source<unknown>['webhook'];
  watch?: Source<unknown>['watch'];
  close?: () => Promise<void>;
}

export function scriptedPlugin(type: string, script: Script): AnySourcePlugin {
  return sourcePlugin({
    type,
    summary: 'Does what the test says.',
    config: z.strictObject({ token: z.string().meta({ secret: true }).optional() }),
    target: z.strictObject({}),
    example: { config: {}, targets: [] },
    create: () => ({
      live: { read: (targets, known, signal) => script.read(targets, known, signal) },
      ...(script.restore === undefined ? {} : { restore: script.restore }),
      ...(script.webhook === undefined ? {} : { webhook: script.webhook }),
      ...(script.watch === undefined ? {} : { watch: script.watch }),
      ...(script.close === undefined ? {} : { close: script.close }),
    }),
  });
}

export function held(target: string, text: string, more: Partial<LiveContent> = {}, cursor?: string): Reading {
  const contents = [{ body: textBody(text), ...more }] as const;
  return { outcome: 'held', target, contents, ...(cursor === undefined ? {} : { cursor }) };
}
