/** A real Prometheus that scrapes a daemon every second, with the rules of `examples/prometheus`. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../scripts/system-packages.mjs';
import { endServer, freePort, spawnServer } from './server-process.ts';
import { tempDirectory } from './temp-directory.ts';

export const RULES = join(import.meta.dirname, '../../examples/prometheus/plumbline.rules.yaml');

export interface TestPrometheus {
  /** The result of an instant query; throws with what Prometheus says is wrong with it. */
  query(expression: string): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export async function startPrometheus(scraped: string): Promise<TestPrometheus> {
  const directory = tempDirectory('prometheus');
  const configuration = join(directory, 'prometheus.yml');
  const port = await freePort();
  const job = { job_name: 'plumbline', static_configs: [{ targets: [new URL(scraped).host] }] };
  const global = { scrape_interval: '1s', evaluation_interval: '1s' };
  writeFileSync(configuration, JSON.stringify({ global, rule_files: [RULES], scrape_configs: [job] }));
  const server = await spawnServer({
    program: 'prometheus',
    debian: 'prometheus',
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    ready: 'Server is ready to receive web requests',
  });
  return {
    query: async (expression) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
        method: 'POST',
        body: new URLSearchParams({ query: expression }),
      });
      const { status, error, data }: any = await response.json();
      if (status !== 'success') throw new Error(`${expression}: ${error}`);
      return data.result.map(({ metric, value }: any) => ({ metric, value: Number(value[1]) }));
    },
    stop: () => endServer(server),
  };
}

/** Runs Prometheus' own tool; what it says where it finds something wrong. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly said: string } {
  const program = findProgram('promtool');
  if (program === null) throw new Error('promtool is missing. Install it: apt-get install prometheus');
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}
