/** Cuts a unified diff to a size, at whole lines, and says how much was left out. Pure. */

const HEAD_LINES = 2;
const MARK = /^… (\d+) more lines? differs?$/;
/** Room for `… 1234567 more lines differ` and its line feed. */
const MARK_BYTES = 40;

/**
 * At most `bytesMax` bytes of UTF-8 (as long as the two head lines and the mark fit into it). A
 * long removal gives way to the addition that follows it, so that both sides of a rewrite show.
 */
export function shortenDiff(diff: string, bytesMax: number): string {
  if (Buffer.byteLength(diff) <= bytesMax) return diff;
  const lines = diff.split('\n');
  // What was cut before is counted again.
  const earlier = Number(MARK.exec(lines.at(-1) ?? '')?.[1] ?? 0);
  if (earlier > 0) lines.pop();
  const kept = keepWhatFits(lines, bytesMax - MARK_BYTES);
  while (kept.at(-1)?.startsWith('@@') === true) kept.pop();
  const left = earlier + countChanges(lines) - countChanges(kept);
  return [...kept, left === 0 ? '…' : `… ${left} more ${left === 1 ? 'line differs' : 'lines differ'}`].join('\n');
}

function keepWhatFits(lines: readonly string[], room: number): string[] {
  const kept: string[] = [];
  let bytes = 0;
  let removalRoom = 0;
  let skipping = false;
  for (const [index, line] of lines.entries()) {
    const isRemoval = isChange(line, index) && line.startsWith('-');
    if (!isRemoval) skipping = false;
    else if (!isChange(lines[index - 1] ?? '', index - 1)) removalRoom = bytes + (room - bytes) / 2;
    const size = Buffer.byteLength(line) + 1;
    if (skipping) continue;
    if (isRemoval && bytes + size > removalRoom && endsInAddition(lines, index)) {
      skipping = true;
      continue;
    }
    if (bytes + size > room) break;
    kept.push(line);
    bytes += size;
  }
  return kept;
}

function endsInAddition(lines: readonly string[], index: number): boolean {
  let next = index;
  while (lines[next]?.startsWith('-') === true) next += 1;
  return lines[next]?.startsWith('+') === true;
}

function isChange(line: string, index: number): boolean {
  return index >= HEAD_LINES && (line.startsWith('-') || line.startsWith('+'));
}

function countChanges(lines: readonly string[]): number {
  return lines.filter(isChange).length;
}
