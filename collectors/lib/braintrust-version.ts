/**
 * Braintrust's transaction ids: a mark, the second of the transaction, and a counter, in 64 bits. A
 * version is shown to people as that number, scrambled and in hexadecimal digits. Pure.
 */

import type { Timestamp } from '../../src/contract/time.ts';
import { timestampFromMillis } from '../../src/lib/time.ts';
import { compareText } from '../../src/lib/compare.ts';

const MARK = 0x0de1n;
const SCRAMBLED_BY = 205_891_132_094_649n;

/** As Braintrust's pages and SDKs name it; an id of another kind as it is. */
export function versionName(transaction: string): string {
  const id = idOf(transaction);
  return id === null
    ? transaction
    : BigInt.asUintN(64, id * SCRAMBLED_BY)
        .toString(16)
        .padStart(16, '0');
}

/** When the transaction was, to the second; null for an id of another kind. */
export function versionTime(transaction: string): Timestamp | null {
  const id = idOf(transaction);
  return id === null ? null : timestampFromMillis(Number((id >> 16n) & 0xffff_ffffn) * 1_000);
}

/** Oldest first. */
export function byTransaction(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return compareText(a, b);
}

function idOf(transaction: string): bigint | null {
  if (!/^\d{18,20}$/.test(transaction)) return null;
  const id = BigInt(transaction);
  return id >> 48n === MARK ? id : null;
}
