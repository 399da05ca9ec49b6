// Checks a report of Plumbline's audit chain (`plumbline audit export > report.jsonl`) with nothing but Node:
//   node check-report.mjs report.jsonl [a hash that was noted before]
// What is hashed is specified in docs/audit.md.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const sha256 = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const netstring = (value) => (value === null ? '-,' : `${Buffer.byteLength(value)}:${value},`);
const encoded = (fields) => Object.entries(fields).flat().map(netstring).join('');

const [file, noted] = process.argv.slice(2);
const lines = readFileSync(file, 'utf8')
  .replace(/^\uFEFF/, '')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const entries = lines.filter((line) => 'segment' in line);
const problems = [];
const last = new Map();
for (const entry of entries) {
  const { writer, segment, sequence, at, kind, subject, entered, content_hash, previous_hash, hash, content } = entry;
  const fields = { format: 'plumbline-audit-1', writer, segment, sequence: String(sequence), at, kind };
  const rest = { subject: subject.map(netstring).join(''), entered, content_hash, previous_hash };
  if (sha256(encoded({ ...fields, ...rest })) !== hash) problems.push(`${segment} ${sequence}: altered`);
  if (content !== null && sha256(encoded(content)) !== content_hash)
    problems.push(`${segment} ${sequence}: content altered`);
  const [name, number] = kind === 'begin' ? subject : [segment, String(sequence - 1)];
  const before = last.get(name);
  if (before === undefined ? last.has(segment) : before.hash !== previous_hash || String(before.sequence) !== number)
    problems.push(`${segment} ${sequence}: does not follow ${name} ${number}`);
  last.set(segment, entry);
}
const rows = Map.groupBy(
  lines.filter((line) => 'row_of' in line),
  ({ row_of }) => row_of,
);
for (const { segment, sequence, kind, hash, content_hash } of lines[0].rows ? entries : []) {
  if (kind !== 'observations') continue;
  const hashes = new Set((rows.get(hash) ?? []).map(({ content }) => sha256(encoded(content)).slice('sha256:'.length)));
  const digest = createHash('sha256')
    .update(Buffer.from([...hashes].toSorted().join(''), 'hex'))
    .digest('hex');
  if (content_hash !== `sha256:${digest}`) problems.push(`${segment} ${sequence}: its rows are altered`);
}
for (const { text, content } of lines.filter((line) => 'text' in line))
  if (sha256(content) !== text) problems.push(`${text}: not this text`);
if (lines.at(-1).entries !== entries.length) problems.push('a part of the report is missing');
if (noted !== undefined && !entries.some(({ hash }) => hash === noted)) problems.push(`${noted}: not in the report`);

console.log(problems.length === 0 ? `${entries.length} entries, all as they were entered.` : problems.join('\n'));
process.exitCode = problems.length === 0 ? 0 : 1;
