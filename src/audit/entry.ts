/** How an entry gets its hash, and its place behind another. Pure. */

import type { AuditEntry, AuditHash } from '../contract/audit.ts';
import { hashOfFields, netstring } from './encoding.ts';

/** The first thing that is hashed of each entry: another way to hash has another name. */
export const AUDIT_FORMAT = 'plumbline-audit-1';

/** What an entry says, before it has its place. */
export type EntryDraft = Pick<AuditEntry, 'kind' | 'subject' | 'entered' | 'contentHash' | 'content'>;

export type EntryPlace = Pick<AuditEntry, 'writer' | 'segment' | 'sequence' | 'at' | 'previousHash'>;

export function entryHash(entry: Omit<AuditEntry, 'hash' | 'content'>): AuditHash {
  return hashOfFields({
    format: AUDIT_FORMAT,
    writer: entry.writer,
    segment: entry.segment,
    sequence: String(entry.sequence),
    at: entry.at,
    kind: entry.kind,
    subject: entry.subject.map(netstring).join(''),
    entered: entry.entered,
    content_hash: entry.contentHash,
    previous_hash: entry.previousHash,
  });
}

export function placed(draft: EntryDraft, place: EntryPlace): AuditEntry {
  const { writer, segment, sequence, at, previousHash } = place;
  const { kind, subject, entered, contentHash, content } = draft;
  const entry = { writer, segment, sequence, at, kind, subject, entered, contentHash, content, previousHash };
  return { ...entry, hash: entryHash(entry) };
}

/** A segment's place in the chain of its writer, as `begin` tells it. */
export interface SegmentLink {
  readonly segment: string;
  readonly sequence: number;
  readonly hash: AuditHash;
}

/** `begin` names the last entry of each chain that there was: one that is taken out as a whole is missed. */
export function headsText(heads: readonly SegmentLink[]): string {
  return heads.map(({ segment, sequence, hash }) => `${segment} ${sequence} ${hash}`).join('\n');
}

export function readHeadsText(text: string): readonly SegmentLink[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [segment = '', sequence = '', hash = ''] = line.split(' ');
      return { segment, sequence: Number(sequence), hash: hash as AuditHash };
    });
}

/** True when the content that stands in the entry is the one that was hashed. */
export function hasItsContent({ content, contentHash }: Pick<AuditEntry, 'content' | 'contentHash'>): boolean {
  return content === null || hashOfFields(content) === contentHash;
}
