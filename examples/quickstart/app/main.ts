/**
 * The quick start's application: a support desk that classifies and answers what customers write.
 * It reads its prompts from files at every call, as many applications read them from a mounted
 * config map, and reports its model calls with the OpenTelemetry Node SDK. It knows nothing of
 * Plumbline.
 *
 *     node main.ts <folder of live prompts> <OTLP endpoint>
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import Mustache from 'mustache';
import nunjucks from 'nunjucks';
import { parse } from 'yaml';
import { chat, type ChatMessage } from './instrumented-client.ts';
import { startModelServer } from './model-server.ts';

const [promptFolder, otlpEndpoint] = process.argv.slice(2);
if (promptFolder === undefined || otlpEndpoint === undefined) {
  console.error('usage: main.ts <folder of live prompts> <OTLP endpoint>');
  process.exit(2);
}

const provider = new TracerProvider({
  resource: resourceFromAttributes({
    'service.name': 'support-desk',
    'service.instance.id': `support-desk-${process.pid}`,
    'deployment.environment.name': 'production',
  }),
  spanProcessors: [
    new BatchSpanProcessor({
      exporter: new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces` }),
      scheduledDelayMillis: 500,
    }),
  ],
});
trace.setGlobalTracerProvider(provider);
const modelServer = await startModelServer();
nunjucks.configure({ autoescape: false });

const CUSTOMERS = ['Ada Byron', 'Grace Murray', 'Alan Mathison', 'Edsger Wybe', 'Barbara Jane'];
const MESSAGES = [
  'I was charged twice for my March invoice, number 20391.',
  'How do I change the e-mail address of my account?',
  'The export button does nothing when I click it in Firefox.',
  'Do you offer a discount for schools?',
  'Please refund order 5512, the parcel never arrived.',
];
const PAUSE_MS = 400;

const FACTS = ['Invoices can be downloaded under Settings, Billing.', 'Exports work in every current browser.'];
const INTENTS = ['billing', 'account', 'bug', 'sales', 'refund'];
const COMPANY = 'Northwind Desk';

interface Ticket {
  readonly id: string;
  readonly customer: string;
  readonly message: string;
  readonly intent: string;
}

let turn = 0;
const timer = setInterval(() => {
  turn += 1;
  work(turn).catch((error: unknown) => console.error(`support-desk: ${String(error)}`));
}, PAUSE_MS);

async function work(count: number): Promise<void> {
  const ticket: Ticket = {
    id: `T-${1000 + count}`,
    customer: CUSTOMERS[count % CUSTOMERS.length] ?? '',
    message: MESSAGES[(count * 3) % MESSAGES.length] ?? '',
    intent: INTENTS[count % INTENTS.length] ?? '',
  };
  const steps = [classify, writeReply, decideRefund, summarise];
  await steps[count % steps.length]?.(ticket);
}

/** A text prompt in Jinja2. */
async function classify({ id, message }: Ticket): Promise<void> {
  const template = await live('intent-classifier.txt');
  const prompt = nunjucks.renderString(template, { company: COMPANY, intents: INTENTS, message });
  await ask([{ role: 'user', content: prompt }], id);
}

/** A chat prompt in Mustache. */
async function writeReply({ id, customer, message, intent }: Ticket): Promise<void> {
  const { messages } = parse(await live('reply-writer.yaml')) as { messages: readonly ChatMessage[] };
  const variables = { company: COMPANY, customer_name: customer, intent, facts: FACTS, message, agent_name: 'Robin' };
  const rendered = messages.map(({ role, content }) => ({ role, content: Mustache.render(content, variables) }));
  await ask(rendered, id);
}

/** A text prompt with `${}`. */
async function decideRefund({ id, message }: Ticket): Promise<void> {
  const variables: Record<string, string> = {
    amount: `${20 + message.length} EUR`,
    order_id: String(5_000 + message.length),
    delivered_on: `2026-10-${String(1 + (message.length % 28)).padStart(2, '0')}`,
    message,
  };
  const template = await live('refund-policy.txt');
  await ask(
    [{ role: 'user', content: template.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole) }],
    id,
  );
}

/** A text prompt with `{}`, as Python formats it. */
async function summarise({ id, customer, message }: Ticket): Promise<void> {
  const variables: Record<string, string> = { ticket_id: id, ticket: `${customer} wrote: ${message}` };
  const template = await live('ticket-summary.txt');
  await ask(
    [{ role: 'user', content: template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole) }],
    id,
  );
}

function live(file: string): Promise<string> {
  return readFile(join(promptFolder ?? '', file), 'utf8');
}

async function ask(messages: readonly ChatMessage[], conversation: string): Promise<void> {
  await chat(modelServer.url, 'gpt-4o-mini', messages, conversation);
}

async function stop(): Promise<void> {
  clearInterval(timer);
  await modelServer.stop();
  await provider.shutdown();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // A collector that is gone already is no reason to fail at the end.
    stop()
      .catch(() => {})
      .finally(() => process.exit(0));
  });
}
// The daemon's end is ours: its pipe closes however it ended.
process.stdin.resume();
process.stdin.once('end', () => {
  stop()
    .catch(() => {})
    .finally(() => process.exit(0));
});
