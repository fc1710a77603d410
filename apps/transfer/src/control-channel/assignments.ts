import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Assignment } from '#libs/contracts';
import { load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { wantedAssignments } from '../replication/domain/wanted-assignments.js';
import { tasksOfEndpoint } from '../replication/read-model/replication.projection.js';
import { replications } from '../replication/replication.aggregate.js';

/**
 * Works out what an endpoint should be doing: which tasks it has comes from the read model, what they want of it
 * from their streams, so an assignment is never behind the history that it is derived from.
 */
@Injectable()
export class Assignments {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  async wantedOf(endpointId: string): Promise<Assignment> {
    for (const taskId of await tasksOfEndpoint(this.dataSource, endpointId)) {
      const { state } = await load(this.store, replications, taskId);
      const wanted = wantedAssignments(state);
      const assignment = state?.sourceMachineId === endpointId ? wanted.agent : wanted.restorer;
      if (assignment.kind !== 'idle') return assignment;
    }
    return { kind: 'idle', assignmentId: 'idle' };
  }
}
