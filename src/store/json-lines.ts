/** Rows as ClickHouse's JSONEachRow. */

export function jsonLines(rows: readonly object[]): Uint8Array {
  return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
