/** `plumbline start`: the daemon. */

import type { Verb } from '../verb.ts';

export const start: Verb = {
  usage: 'start',
  summary: 'Run the daemon: with plumbline.yaml, or without one the bundled quick start.',
  options: [
    ['--port <port>', 'HTTP API and web page (0: a free one)'],
    ['--otlp-port <port>', 'OTLP over HTTP (0: a free one)'],
    ['--grpc-port <port>', 'OTLP over gRPC (0: a free one)'],
  ],
  examples: ['start', 'start --config plumbline.yaml --data /var/lib/plumbline'],
  run: async (_positional, flags, context) => {
    await context.toolbox.daemon(flags);
    return 0;
  },
};
