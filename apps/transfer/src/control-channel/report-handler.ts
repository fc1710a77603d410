import { Injectable } from '@nestjs/common';
import {
  ENDPOINT_FAILURE_REMEDIES,
  type EndpointFailureCode,
  type EndpointReport,
  type Failure,
} from '#libs/contracts';
import { type CommandContext, handleCommand, load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
import type { ReplicationCommand } from '../replication/domain/replication.commands.js';
import { notItsTask } from '../replication/domain/replication.errors.js';
import type { Replication } from '../replication/domain/replication.state.js';
import { replications } from '../replication/replication.aggregate.js';

const failureOf = (code: EndpointFailureCode, detail: string): Failure => ({
  code,
  detail,
  remedy: ENDPOINT_FAILURE_REMEDIES[code],
});

/** @returns the command that a report means for its replication; null when it is no affair of one */
export const commandOf = (report: EndpointReport): ReplicationCommand | null => {
  switch (report.kind) {
    case 'exports-opened':
      return { type: 'NoteExportsOpened', roundId: report.assignmentId, exports: report.exports };
    case 'round-completed':
      return { type: 'CompleteSyncRound', roundId: report.assignmentId, disks: report.disks };
    case 'exports-failed':
    case 'round-failed':
      return { type: 'FailSyncRound', roundId: report.assignmentId, failure: failureOf(report.code, report.detail) };
    case 'digests-computed':
      return { type: 'CompareDigests', verificationId: report.assignmentId, disks: report.disks };
    case 'digests-failed':
      return {
        type: 'FailVerification',
        verificationId: report.assignmentId,
        failure: failureOf(report.code, report.detail),
      };
    case 'inventory':
    case 'ranges-acknowledged':
      return null;
  }
};

type TaskReport = Exclude<EndpointReport, { kind: 'inventory' }>;

/**
 * The one endpoint that may report this. An agent must not speak for the target, nor a machine for another's task:
 * the take-over rests on what the restorer alone says of the target's disks.
 */
export const reporterOf = (kind: TaskReport['kind'], replication: Replication): string => {
  switch (kind) {
    case 'ranges-acknowledged':
    case 'round-completed':
    case 'round-failed':
      return replication.sourceMachineId;
    case 'exports-opened':
    case 'exports-failed':
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
  async handle(endpointId: string, reportId: string, report: EndpointReport): Promise<void> {
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
      const { taskId, assignmentId: roundId, diskId, ranges } = report;
      await this.acknowledgedRanges.record({ taskId, roundId, diskId, ranges }, context);
      return;
    }
    const command = commandOf(report);
    if (command !== null) await handleCommand(this.store, replications, report.taskId, command, context);
  }
}
