/** `plumbline audit`: whether the record is what it was, and a report with which somebody else can tell. */

import { createReadStream } from 'node:fs';
import { HOW_TO_VERIFY, ReportCheck, type ReportEnd, type ReportHead } from '../../audit/report-check.ts';
import type { AuditProgress } from '../../contract/audit.ts';
import { Fault } from '../../contract/fault.ts';
import { textLines } from '../../lib/text-lines.ts';
import { systemClock } from '../../lib/time.ts';
import { auditVerificationShape } from '../../http/shapes-of-audit.ts';
import { throughAuditDoor, type AuditDoor, type BatchPlace, type Period, type Verification } from '../audit-door.ts';
import type { CliContext } from '../context.ts';
import { styled, table, type Output } from '../output.ts';
import { listFlag, textFlag, timeFlag, type ExitCode, type Flags, type Verb } from '../verb.ts';

export const audit: Verb = {
  usage: 'audit <what>',
  summary: 'The audit chain: `verify` that the record was not edited, `head` to note it elsewhere, `export` a report.',
  options: [
    ['--file <file>', 'verify this report, without a daemon or store'],
    ['--head <hash...>', 'verify that this noted head is still in the chain; may be repeated'],
    ['--from <rfc3339>', 'export entries since; verify only observations since'],
    ['--to <rfc3339>', 'export entries up to'],
    ['--rows', 'export also the observations of which entries have the digest: many'],
    ['--url <url>', "the daemon's address"],
  ],
  examples: [
    'audit verify',
    'audit head',
    'audit export --from 2026-11-01T00:00:00Z',
    'audit verify --file report.jsonl',
  ],
  run: ([what], flags, context) => {
    const file = textFlag(flags, 'file');
    if (what === 'head') return showHeads(flags, context);
    if (what === 'export') return exportReport(flags, context);
    if (what === 'verify') return file === undefined ? verifyStore(flags, context) : verifyFile(file, flags, context);
    throw new Fault('config', `${what ?? ''} is nothing that can be done with the audit chain.`, {
      hint: 'Use verify, head or export.',
    });
  },
};

async function showHeads(flags: Flags, context: CliContext): Promise<ExitCode> {
  const { output } = context;
  const heads = await throughAuditDoor(flags, context, (door) => door.heads());
  if (flags['json'] === true) output.json({ data: heads });
  else if (heads.length === 0) output.print('There is no audit chain yet.');
  else output.print(table(heads.map(({ hash, at, segment, sequence }) => [hash, at, segment, String(sequence)])));
  return heads.length === 0 ? 1 : 0;
}

/** Lines of JSON, also with `--json`: it is for programs anyway. Ends early, and without a word, when nobody takes them. */
async function exportReport(flags: Flags, context: CliContext): Promise<ExitCode> {
  const { output, version } = context;
  const [from, to] = [timeFlag(flags, 'from'), timeFlag(flags, 'to')];
  const hasRows = flags['rows'] === true;
  let exported = 0;
  await throughAuditDoor(flags, context, async (door) => {
    const head: ReportHead = {
      plumbline_audit_report: 1,
      how_to_verify: HOW_TO_VERIFY,
      exported_at: systemClock.now(),
      plumbline: version,
      from: from ?? null,
      to: to ?? null,
      rows: hasRows,
      heads: await door.heads(),
    };
    output.line(head);
    for await (const line of reportLines(door, { from, to }, hasRows)) {
      if (!output.takesMore()) return;
      output.line(line);
      if (isEntry(line)) exported += 1;
    }
    output.line({ end: true, entries: exported } satisfies ReportEnd);
  });
  if (output.takesMore()) output.note(`Exported ${exported} entries.`);
  return exported === 0 ? 1 : 0;
}

/** Entries, each text once, and the rows of an entry after it. */
async function* reportLines(
  door: AuditDoor,
  period: Period,
  hasRows: boolean,
): AsyncGenerator<object, void, undefined> {
  const texts = new Set<unknown>();
  for await (const lines of door.report(period)) {
    for (const line of lines) {
      if ('text' in line) {
        if (texts.has(line.text)) continue;
        texts.add(line.text);
      }
      yield line;
      if (hasRows && isBatch(line))
        for await (const rows of door.rows(line)) for (const content of rows) yield { row_of: line.hash, content };
    }
  }
}

function isEntry(line: object): boolean {
  return !('text' in line || 'row_of' in line);
}

interface BatchEntry extends BatchPlace {
  readonly hash: string;
}

function isBatch(line: object): line is BatchEntry {
  return 'kind' in line && line.kind === 'observations';
}

async function verifyStore(flags: Flags, context: CliContext): Promise<ExitCode> {
  const { output } = context;
  const tell = progressTeller(flags, output);
  const question = { noted: notedHeads(flags), from: timeFlag(flags, 'from') };
  const verification = await throughAuditDoor(flags, context, (door) => door.verify(question, tell));
  return tellVerification(verification, flags, output);
}

async function verifyFile(file: string, flags: Flags, { output }: CliContext): Promise<ExitCode> {
  const check = new ReportCheck(notedHeads(flags));
  try {
    let isReport = false;
    for await (const line of textLines(createReadStream(file))) {
      isReport = check.line(line);
      if (!isReport) break;
    }
    if (!isReport)
      throw new Fault('config', `${file} is not a report of the audit chain.`, {
        hint: '`plumbline audit export` writes one to standard output.',
      });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new Fault('config', `${file} can't be read: ${error.message}.`, { hint: 'Check its name.', cause: error });
  }
  return tellVerification(auditVerificationShape(check.end()) as Verification, flags, output);
}

function notedHeads(flags: Flags): readonly string[] {
  const noted = listFlag(flags, 'head');
  const wrong = noted.find((hash) => !/^sha256:[0-9a-f]{64}$/.test(hash));
  if (wrong === undefined) return noted;
  throw new Fault('config', `${wrong} is no head of a chain.`, {
    hint: 'It is `sha256:` and 64 hex digits, as `plumbline audit head` prints it.',
  });
}

const TOLD_EVERY_MS = 2_000;

function progressTeller(flags: Flags, output: Output): (progress: AuditProgress) => void {
  let toldMs = performance.now();
  return ({ step, done, total }) => {
    if (flags['json'] === true || performance.now() - toldMs < TOLD_EVERY_MS) return;
    toldMs = performance.now();
    output.note(`${step}: ${total === 0 ? '…' : `${Math.floor((done / total) * 100)} %`}`);
  };
}

function tellVerification(verification: Verification, flags: Flags, output: Output): ExitCode {
  if (flags['json'] === true) output.json(verification);
  else output.print(describe(verification, output));
  return verification.ok ? 0 : 1;
}

function describe(verification: Verification, output: Output): string {
  const { entries, segments, rows, heads, findings, findings_total: total } = verification;
  const { late, earlier, waiting, not_covered: notCovered, let_go: letGo } = verification;
  const compared = Object.entries(rows).filter(([, count]) => count > 0);
  const lines = [
    `${entries} entries in ${segments} ${segments === 1 ? 'segment' : 'segments'}; compared: ${compared.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'nothing'}`,
  ];
  const also = (count: number, words: string): void => {
    if (count > 0) lines.push(styled(output, 'dim', `${count} ${words}`));
  };
  also(
    earlier,
    'entries are of what was recorded before there was a chain: what was edited before that does not show.',
  );
  also(late, 'entries were made late: what was edited between the record and its entry does not show.');
  also(notCovered, 'observations are from before there was a chain, and not covered.');
  also(waiting, 'rows are so new that they have no entry yet.');
  for (const { calls_from: from, calls } of letGo)
    lines.push(styled(output, 'dim', `Retention let go of ${calls ?? '?'} calls of the month from ${from ?? '?'}.`));
  for (const { what, segment, sequence, words } of findings) {
    const where = segment === null ? '' : `  ${segment}${sequence === null ? '' : ` ${sequence}`}`;
    lines.push(`${styled(output, 'red', what.padEnd(17))}  ${words}${styled(output, 'dim', where)}`);
  }
  if (total > findings.length) lines.push(`… and ${total - findings.length} more`);
  for (const { hash, at } of heads) lines.push(`head  ${hash}  ${at}`);
  lines.push(
    total === 0
      ? styled(output, 'green', 'Nothing was edited since it was entered, as far as the chain can tell.')
      : styled(output, 'red', `${total} ${total === 1 ? 'thing is' : 'things are'} not as it was entered.`),
  );
  return lines.join('\n');
}
