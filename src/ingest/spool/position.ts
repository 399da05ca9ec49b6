/**
 * A place in the spool as one number that grows: segment number and offset in it. Exact up to
 * segment 2^20, which at 64 MiB a segment is 64 TiB of telemetry in one spool directory.
 */

export type SpoolPosition = number & { readonly __brand: 'SpoolPosition' };

const OFFSETS = 2 ** 32;

export function positionAt(segment: number, offset: number): SpoolPosition {
  return (segment * OFFSETS + offset) as SpoolPosition;
}

export function segmentOf(position: SpoolPosition): number {
  return Math.floor(position / OFFSETS);
}

export function offsetOf(position: SpoolPosition): number {
  return position % OFFSETS;
}
