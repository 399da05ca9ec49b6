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
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-node';
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

const sdk = new NodeSDK({
  resource: resourceFromAttributes({
    'service.name': 'support-desk',
    'service.instance.id': `support-desk-${process.pid}`,
    'deployment.environment.name': 'production',
  }),
  spanProcessors: [
    new BatchSpanProcessor(new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces` }), { scheduledDelayMillis: 500 }),
  ],
});
sdk.start();
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

let turn = 0;
const timer = setInterval(() => {
  turn += 1;
  work(turn).catch((error: unknown) => console.error(`support-desk: ${String(error)}`));
}, PAUSE_MS);

async function work(count: number): Promise<void> {
  const customer = CUSTOMERS[count % CUSTOMERS.length] ?? '';
  const message = MESSAGES[(count * 3) % MESSAGES.length] ?? '';
  const conversation = `ticket-${1000 + count}`;
  const kinds = [classify, writeReply, decideRefund];
  await kinds[count % kinds.length]?.(customer, message, conversation);
}

/** A text prompt in Jinja2. */
async function classify(_customer: string, message: string, conversation: string): Promise<void> {
  const template = await live('intent-classifier.txt');
  const system = nunjucks.renderString(template, { product: 'Northwind Desk', categories: ['billing', 'account', 'bug', 'other'] });
  await ask([{ role: 'system', content: system }, { role: 'user', content: message }], conversation);
}

/** A chat prompt in Mustache. */
async function writeReply(customer: string, message: string, conversation: string): Promise<void> {
  const { messages } = parse(await live('reply-writer.yaml')) as { messages: readonly ChatMessage[] };
  const variables = { customer_name: customer, product: 'Northwind Desk', message };
  const render = (text: string): string => Mustache.render(text, variables, undefined, { escape: String });
  await ask(messages.map(({ role, content }) => ({ role, content: render(content) })), conversation);
}

/** A text prompt with `${}`. */
async function decideRefund(customer: string, message: string, conversation: string): Promise<void> {
  const variables: Record<string, string> = { customer, amount: `${20 + message.length} EUR`, days: String(message.length % 40) };
  const system = (await live('refund-policy.txt')).replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
  await ask([{ role: 'system', content: system }, { role: 'user', content: message }], conversation);
}

function live(file: string): Promise<string> {
  return readFile(join(promptFolder ?? '', file), 'utf8');
}

async function ask(messages: readonly ChatMessage[], conversation: string): Promise<void> {
  await chat(modelServer.url, 'gpt-5-mini', messages, conversation);
}

async function stop(): Promise<void> {
  clearInterval(timer);
  await modelServer.stop();
  await sdk.shutdown();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // A collector that is gone already is no reason to fail at the end.
    stop().catch(() => {}).finally(() => process.exit(0));
  });
}
// The daemon's end is ours: its pipe closes however it ended.
process.stdin.resume();
process.stdin.once('end', () => {
  stop().catch(() => {}).finally(() => process.exit(0));
});
