import { Injectable } from '@nestjs/common';
import type { EndpointReport } from '#libs/contracts';
import { type CommandContext, handleCommand, load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
import type { ReplicationCommand } from '../replication/domain/replication.commands.js';
import { notItsTask } from '../replication/domain/replication.errors.js';
import { type Replication, attemptIdOf } from '../replication/domain/replication.state.js';
import { replications } from '../replication/replication.aggregate.js';

/**
 * @param at when the end made the report, on the server's clock
 * @returns the command that a report means for its replication; null when it is no affair of one
 */
export const commandOf = (report: EndpointReport, replication: Replication, at: string): ReplicationCommand | null => {
  switch (report.kind) {
    case 'exports-opened': {
      const { roundId, exports } = report;
      return { type: 'NoteExportsOpened', roundId, attempt: attemptOf(report, replication), exports };
    }
    case 'exports-failed': {
      const { roundId, code, detail } = report;
      return { type: 'NoteExportsFailed', roundId, attempt: attemptOf(report, replication), code, detail, at };
    }
    case 'link-established': {
      const { roundId, comparison, rescanReason } = report;
      const attempt = attemptOf(report, replication);
      return { type: 'NoteLinkEstablished', roundId, attempt, comparison, rescanReason, at };
    }
    case 'link-lost': {
      const { roundId, detail, silentMs } = report;
      // It was lost when the silence began, not when it was noticed.
      const lostAt = new Date(Date.parse(at) - silentMs).toISOString();
      return { type: 'NoteLinkLost', roundId, attempt: attemptOf(report, replication), at: lostAt, detail };
    }
    case 'round-completed':
      return { type: 'CompleteSyncRound', roundId: report.roundId, disks: report.disks };
    case 'round-failed':
      return { type: 'FailSyncRound', roundId: report.roundId, code: report.code, detail: report.detail };
    case 'digests-begun':
      return { type: 'NoteDigestsBegun', verificationId: report.assignmentId };
    case 'digests-computed':
      return { type: 'CompareDigests', verificationId: report.assignmentId, disks: report.disks };
    case 'digests-failed': {
      const { assignmentId: verificationId, code, detail } = report;
      return { type: 'FailVerification', verificationId, code, detail };
    }
    case 'inventory':
    case 'ranges-acknowledged':
      return null;
  }
};

/** An earlier attempt of the round in hand. */
const EARLIER_ATTEMPT = 0;

const attemptOf = (report: { readonly assignmentId: string }, { round }: Replication): number =>
  round !== null && attemptIdOf(round) === report.assignmentId ? round.attempt : EARLIER_ATTEMPT;

type TaskReport = Exclude<EndpointReport, { kind: 'inventory' }>;

/**
 * The one endpoint that may report this. An agent must not speak for the target, nor a machine for another's task:
 * the take-over rests on what the restorer alone says of the target's disks.
 */
export const reporterOf = (kind: TaskReport['kind'], replication: Replication): string => {
  switch (kind) {
    case 'link-established':
    case 'link-lost':
    case 'ranges-acknowledged':
    case 'round-completed':
    case 'round-failed':
      return replication.sourceMachineId;
    case 'exports-opened':
    case 'exports-failed':
    case 'digests-begun':
    case 'digests-computed':
    case 'digests-failed':
      return replication.restorerId;
  }
};

/** Turns what endpoints report into commands; endpoints report, services record. */
@Injectable()
export class ReportHandler {
  constructor(
    private readonly store: EventStoreDb,
    private readonly acknowledgedRanges: AcknowledgedRanges,
  ) {}

  /** @throws DomainError when the report's round is over, or it is not this endpoint's to report; TransientError when it could not be recorded now */
  async handle(endpointId: string, reportId: string, report: EndpointReport, madeAt: Date): Promise<void> {
    const context: CommandContext = {
      commandId: reportId,
      correlationId: 'taskId' in report ? report.taskId : endpointId,
      causationId: reportId,
      actor: `endpoint:${endpointId}`,
      now: new Date().toISOString(),
    };
    if (report.kind === 'inventory') {
      await handleCommand(
        this.store,
        endpoints,
        endpointId,
        { type: 'ReportInventory', inventory: report.inventory },
        context,
      );
      return;
    }
    const { state } = await load(this.store, replications, report.taskId);
    if (state === null || reporterOf(report.kind, state) !== endpointId) throw notItsTask();
    if (report.kind === 'ranges-acknowledged') {
      const { taskId, roundId, diskId, ranges } = report;
      await this.acknowledgedRanges.record({ taskId, roundId, diskId, ranges }, context);
      return;
    }
    const command = commandOf(report, state, madeAt.toISOString());
    if (command !== null) await handleCommand(this.store, replications, report.taskId, command, context);
  }
}
