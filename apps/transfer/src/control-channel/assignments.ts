import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Assignment, ServeExportsAssignment } from '#libs/contracts';
import { load } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
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
      if (state === null) continue;
      const wanted = wantedAssignments(state);
      const assignment = state.sourceMachineId === endpointId ? wanted.agent : wanted.restorer;
      if (assignment.kind === 'serve-exports') return this.#forAgent(state.sourceMachineId, assignment);
      if (assignment.kind !== 'idle') return assignment;
    }
    return { kind: 'idle', assignmentId: 'idle' };
  }

  /** From the agent's stream, too: an attempt must not be served to a process of it that is gone. */
  async #forAgent(sourceMachineId: string, assignment: ServeExportsAssignment): Promise<ServeExportsAssignment> {
    const { state } = await load(this.store, endpoints, sourceMachineId);
    const clientCertificate = state?.dataCertificate ?? undefined;
    return { ...assignment, clientCertificate };
  }
}
