/** A real Redis: strings and fields of a hash. */

import { Redis } from 'ioredis';
import { startRedis } from '../redis.ts';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

export async function openRedisPlace(): Promise<StandIn & { readonly client: Redis }> {
  const server = await startRedis();
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  const inHash = (prompt: string): boolean => prompt === 'triage';
  const write = async (prompt: string, text: string): Promise<void> => {
    await (inHash(prompt) ? client.hset('prompts', prompt, text) : client.set(`prompts:${prompt}`, text, 'EX', 3_600));
  };
  for (const prompt of PROMPTS) await write(prompt, originalText(prompt));
  await client.set('session:1', 'Of no concern.');
  await client.rpush('prompts:queue', 'Neither a text nor a hash.');
  await client.set('prompts:picture', Buffer.from([0x47, 0xff, 0x00]));
  const refresh = async (prompt: string): Promise<string> =>
    (await (inHash(prompt) ? client.hget('prompts', prompt) : client.get(`prompts:${prompt}`))) ?? '';
  return {
    client,
    config: { url: server.url, discover: 'prompts*' },
    targets: PROMPTS.map((prompt) => ({
      prompt,
      config: inHash(prompt) ? { key: 'prompts', hash_field: prompt } : { key: `prompts:${prompt}` },
    })),
    secrets: [],
    editor: null,
    text: refresh,
    edit: write,
    movePointer: null,
    remove: async (prompt) => {
      await (inHash(prompt) ? client.hdel('prompts', prompt) : client.del(`prompts:${prompt}`));
    },
    troubles: ['gone', 'hangs', 'huge'],
    trouble: async (kind) => {
      if (kind === 'gone') return server.kill();
      if (kind === 'hangs') return server.freeze();
      if (kind === 'huge') {
        for (const prompt of PROMPTS) await write(prompt, 'x'.repeat(5_000_000));
        return undefined;
      }
      server.thaw();
      await server.start().catch(() => undefined);
      for (const prompt of PROMPTS) await write(prompt, originalText(prompt));
      return undefined;
    },
    close: async () => {
      client.disconnect();
      server.thaw();
      await server.stop();
    },
  };
}

export const redisFixture: SourceFixture = { type: 'redis', open: openRedisPlace };
