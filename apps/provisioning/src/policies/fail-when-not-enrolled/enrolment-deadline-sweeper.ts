import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type CommandContext, handleCommand, uuidV5 } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Sweeper } from '#libs/projections';
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
export class EnrolmentDeadlineSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #sweeper: Sweeper<OverdueEnrolment>;

  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {
    this.#sweeper = new Sweeper(
      {
        name: 'the sweep for restore environments that did not enrol',
        everyMs: SWEEP_EVERY_MS,
        due: (now) => this.#due(now),
        handle: (overdue, now) => this.#reach(overdue, now),
        describe: ({ targetVmId }) => `target VM ${targetVmId}`,
      },
      new Logger('EnrolmentDeadlineSweeper'),
    );
  }

  onApplicationBootstrap(): void {
    this.#sweeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#sweeper.stop();
  }

  async sweep(now: Date): Promise<void> {
    await this.#sweeper.sweep(now);
  }

  /** Instants are all written alike, so their order is that of their texts. */
  #due(now: Date): Promise<OverdueEnrolment[]> {
    return this.dataSource.query<OverdueEnrolment[]>(
      `SELECT id AS "targetVmId", task_id AS "taskId", state->>'enrolBy' AS "enrolBy" FROM target_vm
       WHERE state->>'status' = 'created' AND state->>'enrolBy' <= $1 ORDER BY state->>'enrolBy' LIMIT $2`,
      [now.toISOString(), DUE_PER_SWEEP],
    );
  }

  async #reach({ targetVmId, taskId, enrolBy }: OverdueEnrolment, now: Date): Promise<void> {
    const commandId = uuidV5(targetVmId, `enrol-by:${enrolBy}`);
    const context: CommandContext = {
      commandId,
      correlationId: taskId,
      causationId: commandId,
      actor: 'service:provisioning',
      now: now.toISOString(),
    };
    await handleCommand(this.store, targetVms, targetVmId, { type: 'ReachEnrolmentDeadline', enrolBy }, context);
  }
}
