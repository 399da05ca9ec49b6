/** What of a store's failures is waited for. */

import { expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import { clickHouseFault, mayPass } from '../../src/store/engine/clickhouse-fault.ts';

/** As the client throws it: by ClickHouse's code, or by the operating system's. */
function thrown(code: string | null): Fault {
  return clickHouseFault(Object.assign(new Error('words'), code === null ? {} : { code }), 'answer', 'server');
}

test.each([
  ['refuses connections', 'ECONNREFUSED'],
  ['has no address', 'ENOTFOUND'],
  ['has no address at the moment', 'EAI_AGAIN'],
  ['cuts connections', 'ECONNRESET'],
  ['does not answer in time', null],
  ['has no memory', '241'],
  ['has too many queries', '202'],
  ['has lost its Keeper', '999'],
  ['has a full disk', '243'],
])('a store that %s', (_what, code) => {
  expect(mayPass(thrown(code))).toBe(true);
});

test.each([
  ['knows another password', '516'],
  ['gives no rights', '497'],
  ['knows no such cluster', '701'],
  ['lacks a table', '60'],
  ['has other columns', '16'],
  ['understands no such statement', '62'],
  ['has a certificate of nobody', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
])('but not one that %s', (_what, code) => {
  expect(mayPass(thrown(code))).toBe(false);
});

test('nor what is not the store’s', () => {
  expect(mayPass(new Fault('transient', 'Redis is away.'))).toBe(false);
  expect(mayPass(new Error('a bug'))).toBe(false);
});
