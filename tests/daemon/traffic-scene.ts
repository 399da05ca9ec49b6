/** Calls that go through the real ingest into the real store, and what watches them: one scene for each test. */

import { afterAll, beforeAll } from 'vitest';
import type { Incident } from '../../src/contract/incident.ts';
import type { Pin, RegisteredVersion } from '../../src/contract/prompt.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { callAttribution } from '../../src/daemon/attribution/call-attribution.ts';
import { TargetWatch } from '../../src/daemon/targets/target-watch.ts';
import { TrafficWatch } from '../../src/daemon/traffic/traffic-watch.ts';
import { IncidentDesk } from '../../src/incidents/incident-desk.ts';
import { contentPolicies } from '../../src/ingest/content/policy.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import type { AttributeCall } from '../../src/ingest/settling/attribution.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { createVariableLog } from '../../src/store/telemetry/variable-log.ts';
import { createTrafficLog } from '../../src/store/telemetry/traffic-log.ts';
import {
  chatAttributes,
  createIngest,
  eventually,
  hexId,
  openStore,
  tracesBody,
  type OpenStore,
} from '../ingest/harness.ts';
import { held, pin, version } from '../support/prompts.ts';
import { QUIET_QUEUE, SILENT_LOG, TestRegistry } from './setup.ts';

export const MINUTE_MS = 60_000;

export let opened: OpenStore;
export let store: Store;
let ingest: Ingest;
/** Of the scene that sends at the moment. */
let attribute: AttributeCall;

/** For a file of tests. */
export function useTrafficStore(): void {
  beforeAll(async () => {
    opened = await openStore();
    store = createStore(opened.database, systemClock);
    ingest = createIngest(opened.telemetry, {
      attribute: (call) => attribute(call),
      policies: contentPolicies({ default: 'full', environments: { sealed: 'hash_only' }, redact: [] }),
    });
    await ingest.start();
  });
  afterAll(async () => {
    await ingest.stop(5_000);
    await opened.database.close();
  });
}

/** A number of calls with one text, evenly spread from one time to another, both in minutes before now. */
interface Traffic {
  readonly text: string | null;
  readonly calls: number;
  readonly from?: number;
  readonly until?: number;
  readonly instance?: string;
  readonly declares?: readonly [prompt: string, version: string];
  /** How the emitter reports it; by the conventions of OpenTelemetry unless told otherwise. */
  readonly attributesOf?: (system: string) => Readonly<Record<string, string | number>>;
}

/** A place of its own for each test: a prompt with two versions, a service, and what watches them. */
export class Scene {
  readonly prompt: string;
  readonly environment: string;
  readonly v1: RegisteredVersion;
  readonly v2: RegisteredVersion;
  readonly registry: TestRegistry;
  readonly desk: IncidentDesk;
  readonly traffic: TrafficWatch;
  readonly targets: TargetWatch;
  /** Calls are older than this, and it stands still. */
  readonly now: Timestamp = systemClock.now();
  clockMs = 0;

  constructor(prompt: string, pinned: (scene: Scene) => Pin = ({ v2 }) => pin(v2), environment = 'production') {
    this.prompt = prompt;
    this.environment = environment;
    this.v1 = version('1', this.text('one word'), { prompt });
    this.v2 = version('2', this.text('one label'), { prompt, parent: '1' });
    this.registry = new TestRegistry([this.v1, this.v2], [pinned(this)]);
    const clock = { now: () => addMillis(this.now, this.clockMs), monotonicMs: () => this.clockMs };
    this.desk = new IncidentDesk({
      incidents: store.incidents,
      announcer: { prepare: async () => [], dispatch: async () => undefined },
      countAffected: async () => 0,
      queue: QUIET_QUEUE,
      clock,
      onProblem: (_message, error) => {
        throw error;
      },
    });
    const shared = {
      registry: () => this.registry.view,
      attribute: this.registry.desk.attribute.bind(this.registry.desk),
      near: this.registry.desk.near.bind(this.registry.desk),
      clock,
      onFindings: async (findings: Parameters<IncidentDesk['take']>[0]) => {
        await this.desk.take(findings);
      },
    };
    this.traffic = new TrafficWatch({
      ...shared,
      traffic: createTrafficLog(opened.database),
      calls: opened.invocations,
      variables: createVariableLog(opened.database),
      incidents: store.incidents,
      log: SILENT_LOG,
      retireUncalled: (lastCallOf) => this.desk.retireUncalled(lastCallOf),
    });
    this.targets = new TargetWatch([], {
      ...shared,
      observations: store.observations,
      verdicts: store.verdicts,
      judgesAlone: true,
      onUnregistered: (observation) => {
        this.registry.desk.learn(observation);
      },
    });
  }

  /** As the prompt's template says it, before or after its variables are filled in. */
  text(answer: string, message = '{{ message }}'): string {
    return `You are the assistant of ${this.prompt}. Answer with ${answer}, and nothing else.\nThe message: ${message}`;
  }

  sent(answer: string, message = 'Where is my parcel?'): string {
    return this.text(answer, message);
  }

  /** Sends calls through the ingest and waits until they are stored. */
  async send(traffic: readonly Traffic[]): Promise<void> {
    attribute = callAttribution(
      (query) => this.registry.desk.attributeTraffic(query),
      (name) => this.registry.view.ownerOf(name),
    );
    const spans = traffic.flatMap((each) => this.#spansOf(each));
    const answer = await ingest.accept({ signal: 'traces', encoding: 'json', body: tracesBody(spans) });
    if (answer.outcome !== 'durable') throw new Error(`The calls were not accepted: ${answer.outcome}.`);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const stored = await eventually(
      async () => {
        const { items } = await opened.invocations.list({ service: this.prompt }, { limit: 1_000 });
        return items.filter(({ invocation }) => ids.has(invocation.spanId)).length;
      },
      (count) => count === ids.size,
    );
    if (stored !== ids.size) throw new Error(`Only ${stored} of ${ids.size} calls were stored.`);
  }

  #spansOf({ text, calls, from = 12, until = 1, instance = 'pod-a', declares, attributesOf }: Traffic) {
    const nowMs = Date.parse(this.now);
    const stepMs = calls < 2 ? 0 : ((from - until) * MINUTE_MS) / (calls - 1);
    return Array.from({ length: calls }, (_, index) => ({
      traceId: hexId(16),
      spanId: hexId(8),
      service: this.prompt,
      environment: this.environment,
      instance,
      startMs: Math.round(nowMs - from * MINUTE_MS + index * stepMs),
      attributes: {
        ...(text === null
          ? { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 4 }
          : (attributesOf?.(text) ?? chatAttributes(text, [{ role: 'user', text: 'hello' }], 'hi'))),
        ...(declares === undefined
          ? {}
          : { 'langfuse.observation.prompt.name': declares[0], 'langfuse.observation.prompt.version': declares[1] }),
      },
    }));
  }

  /** Of this prompt's traffic, after one more look. */
  async look(afterMs = 2_000): Promise<readonly Incident[]> {
    this.clockMs += afterMs;
    await this.traffic.look();
    return this.incidents();
  }

  async incidents(): Promise<readonly Incident[]> {
    const { items } = await store.incidents.list({ prompt: this.prompt }, { limit: 100 });
    return items.filter(({ target }) => target === `traffic:${this.prompt}/${this.prompt}`);
  }

  /** A poll of the prompt's target, some minutes ago. */
  async poll(text: string, minutesAgo: number): Promise<void> {
    const observedAt = addMillis(this.now, -minutesAgo * MINUTE_MS);
    await this.targets.take([
      held(text, { observedAt, prompt: this.prompt, target: `config/${this.prompt}`, source: 'config' }),
    ]);
  }
}
