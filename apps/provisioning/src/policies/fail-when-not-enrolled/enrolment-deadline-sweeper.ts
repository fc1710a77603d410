import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { handleCommand, timerContext } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { SweepingProvider } from '#libs/service-kit';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';

const SWEEP_EVERY_MS = 5_000;
const DUE_PER_SWEEP = 100;

/** A target VM whose restore environment is overdue. */
export interface OverdueEnrolment {
  readonly targetVmId: string;
  readonly taskId: string;
  /** ISO 8601 in UTC. */
  readonly enrolBy: string;
}

/**
 * Finds target VMs whose restore environment has not enrolled in time and says so to them. Any number of replicas may
 * sweep: the VM knows what it waits for.
 */
@Injectable()
export class EnrolmentDeadlineSweeper extends SweepingProvider<OverdueEnrolment> {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {
    super({ name: 'the sweep for restore environments that did not enrol', everyMs: SWEEP_EVERY_MS });
  }

  protected describe({ targetVmId }: OverdueEnrolment): string {
    return `target VM ${targetVmId}`;
  }

  /** Instants are all written alike, so their order is that of their texts. */
  protected due(now: Date): Promise<OverdueEnrolment[]> {
    return this.dataSource.query<OverdueEnrolment[]>(
      `SELECT id AS "targetVmId", task_id AS "taskId", state->>'enrolBy' AS "enrolBy" FROM target_vm
       WHERE state->>'status' = 'created' AND state->>'enrolBy' <= $1 ORDER BY state->>'enrolBy' LIMIT $2`,
      [now.toISOString(), DUE_PER_SWEEP],
    );
  }

  protected async handle({ targetVmId, taskId, enrolBy }: OverdueEnrolment, now: Date): Promise<void> {
    const context = timerContext(targetVmId, `enrol-by:${enrolBy}`, {
      correlationId: taskId,
      actor: 'service:provisioning',
      now: now.toISOString(),
    });
    await handleCommand(this.store, targetVms, targetVmId, { type: 'ReachEnrolmentDeadline', enrolBy }, context);
  }
}
