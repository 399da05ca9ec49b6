/** What the HTTP API needs from the daemon. `src/daemon/api.ts` supplies it; routes see nothing else. */

import type { AttributionQuery, Explanation } from '../contract/attribution.ts';
import type { AuditLog, AuditProgress, AuditQuestion, AuditVerification } from '../contract/audit.ts';
import type { BaselineLog } from '../contract/baseline-log.ts';
import type { Fault } from '../contract/fault.ts';
import type { Feedback } from '../contract/feedback.ts';
import type { Incident } from '../contract/incident.ts';
import type { InvocationLog, Repriced } from '../contract/invocation-log.ts';
import type { OutputLog } from '../contract/output-log.ts';
import type { ContentHash, SeenContent, RegisteredVersion, RegistrySnapshot } from '../contract/prompt.ts';
import type { RestoreLog } from '../contract/restore-log.ts';
import type { DeliveryLog, IncidentLog, ObservationLog, TimelineLog, VerdictLog } from '../contract/store.ts';
import type { QuarantineEntry } from '../contract/telemetry-log.ts';
import type { Timestamp } from '../contract/time.ts';
import type { VariableLog } from '../contract/variable-log.ts';
import type { SqlDesk } from '../contract/sql.ts';
import type { RawRequest } from './route.ts';

/** What is there from the first moment on. */
export interface HealthApi {
  /** Daemon facts for `/healthz` and `/readyz`. */
  status(): DaemonStatus;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

export interface FeedbackApi {
  /** Resolves when all of it is on disk. Throws a `Fault` that is `overloaded` when none of it is. */
  takeFeedback(feedback: readonly Feedback[]): Promise<void>;
}

/** What answers while the rest of the API is not there yet; see `HttpServer.serve`. */
export interface EarlyApi extends HealthApi, FeedbackApi {
  /** What everything else is answered with. `mayRead`: see `RouteRequest.mayRead`. */
  notYet(mayRead: boolean): Fault;
}

export interface Api extends HealthApi, FeedbackApi {
  readonly observations: ObservationLog;
  readonly verdicts: VerdictLog;
  readonly incidents: IncidentLog;
  readonly deliveries: DeliveryLog;
  readonly restores: Pick<RestoreLog, 'list'>;
  readonly timeline: TimelineLog;
  readonly audit: Pick<AuditLog, 'list' | 'heads' | 'report' | 'rows'>;
  /** Begins to verify the audit chain, or says how far one with the same question is. */
  verifyAudit(question: AuditQuestion): VerificationState;
  auditVerification(id: string): VerificationState | null;
  registry(): RegistrySnapshot;
  versions(prompt: string): Promise<readonly RegisteredVersion[]>;
  /** Prompts whose text holds a component, directly or through others: what a change of it touches. */
  includedBy(component: string): readonly string[];
  targets(): readonly TargetInfo[];
  readonly calls: Pick<InvocationLog, 'list' | 'usage'>;
  readonly variables: Pick<VariableLog, 'summary'>;
  readonly baselines: Pick<BaselineLog, 'statuses'>;
  readonly outputs: Pick<OutputLog, 'statuses' | 'texts'> & { readonly alarmAtLog10Score: number };
  readonly sql: SqlDesk;
  attribute(query: AttributionQuery): Promise<Explanation>;
  /** What to type to put back what belongs there; null when there is nothing to put back, or it can't be. */
  restoreCommand(incident: Incident): string | null;
  acknowledge(id: string, by: string): Promise<Incident>;
  snooze(id: string, until: Timestamp, by: string): Promise<Incident>;
  resolve(id: string, by: string): Promise<Incident>;
  restore(request: RestoreCall): Promise<RestoreOutcome>;
  /** Checks a push of a source; the ids of the targets that are looked at now. */
  takePush(source: string, push: RawRequest): Promise<readonly string[]>;
  readonly quarantine: QuarantineDesk;
  reprice(from: Timestamp, to: Timestamp): Promise<Repriced>;
  now(): Timestamp;
}

/** Telemetry that was put aside. Replaying throws a `Fault` when it fails again. */
export interface QuarantineDesk {
  list(status: QuarantineEntry['status'] | 'any', limit: number): Promise<readonly QuarantineEntry[]>;
  show(id: string): Promise<QuarantineEntry | null>;
  replay(id: string): Promise<void>;
  discard(id: string): Promise<void>;
}

export interface DaemonStatus {
  readonly version: string;
  readonly startedAt: Timestamp;
  readonly ready: boolean;
  /** Parts that are not working, in words. */
  readonly problems: readonly string[];
}

/** It takes as long as there is much to compare, which is more than a request may. */
export interface VerificationState {
  readonly id: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly progress: AuditProgress;
  /** When it is done. */
  readonly verification: AuditVerification | null;
  /** Why it failed. */
  readonly error: string | null;
}

export interface TargetInfo {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly prompt: string;
  readonly environment: string;
  readonly everyMs: number;
  readonly powers: readonly string[];
}

export interface RestoreCall {
  readonly target: string;
  /** Default: the pinned version. */
  readonly version?: string | undefined;
  /** Which of several contents; not needed where there is one. */
  readonly part?: string | undefined;
  /** Of what the operator saw: anything else is not written over. */
  readonly expectHash?: SeenContent | undefined;
  readonly dryRun: boolean;
  readonly by: string;
  readonly reason: string;
}

export interface RestoreOutcome {
  readonly target: string;
  readonly version: string;
  readonly result: 'restored' | 'planned' | 'nothing_to_do' | 'not_confirmed';
  readonly written: boolean;
  /** Of what was there before; null when nothing was. */
  readonly beforeHash: ContentHash | null;
  /** From what is there to what would be, or was, written. */
  readonly diff: string;
  /** What the place holds after the write, as it was read back; null on a dry run. */
  readonly readBack: { readonly hash: string | null; readonly matches: boolean } | null;
  readonly words: string;
}
