import { PUBLISHED } from '#libs/contracts';
import {
  type EventStore,
  type PersistedEvent,
  correlatedBy,
  handleCommand,
  load,
  reactionContext,
} from '#libs/eventsourcing';
import type { Reaction } from '#libs/projections';
import type { TargetVmCommand } from '../../target-vm/domain/target-vm.commands.js';
import { targetVms } from '../../target-vm/target-vm.aggregate.js';

interface Note {
  readonly targetVmId: string;
  readonly command: TargetVmCommand;
}

/** What an endpoint's event says of a target VM; null: nothing. A restore environment has the name of its machine. */
const noteOf = ({ storedType, data }: PersistedEvent): Note | null => {
  switch (storedType) {
    case PUBLISHED.endpointEnrolled.stored: {
      const { kind, name: targetVmId, endpointId: restorerId } = PUBLISHED.endpointEnrolled.schema.parse(data);
      return kind === 'restorer' ? { targetVmId, command: { type: 'NoteRestorerEnrolled', restorerId } } : null;
    }
    case PUBLISHED.endpointConnected.stored: {
      const { kind, name: targetVmId, endpointId: restorerId } = PUBLISHED.endpointConnected.schema.parse(data);
      if (kind !== 'restorer' || targetVmId === undefined) return null;
      return { targetVmId, command: { type: 'NoteRestorerConnected', restorerId } };
    }
    default:
      return null;
  }
};

/** A target VM knows its restore environment by the enrolment, and is ready to receive from its first connection on. */
export const noteReadyWhenRestorerConnected = (store: EventStore): Reaction => ({
  kind: 'reaction',
  name: 'note-ready-when-restorer-connected',
  prefixes: ['endpoint-'],
  react: async (persisted) => {
    const note = noteOf(persisted);
    if (note === null) return;
    const context = reactionContext(persisted, 'note-ready', 'service:provisioning', new Date().toISOString());
    const { state: vm } = await load(store, targetVms, note.targetVmId);
    const own = vm === null ? context : correlatedBy(context, vm.taskId);
    await handleCommand(store, targetVms, note.targetVmId, note.command, own);
  },
});
