import type { Actor, EventMetadata } from './event.js';
import { reactionIdOf, uuidV5 } from './ids.js';
import type { PersistedEvent } from './ports.js';

/**
 * What every command brings along. Time and ids arrive here, so that a decision needs neither clock nor randomness.
 * The same `commandId` twice is the same command: its second handling changes nothing.
 */
export interface CommandContext {
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  /** ISO 8601 in UTC. */
  readonly now: string;
}

export const metadataOf = (context: CommandContext, producer: string): EventMetadata => ({
  correlationId: context.correlationId,
  causationId: context.causationId,
  commandId: context.commandId,
  actor: context.actor,
  occurredAt: context.now,
  producer,
});

/**
 * The context of a command that a service derives from an event. The same event and reaction always give the same
 * command, so a redelivered event changes nothing.
 */
export const reactionContext = (
  event: Pick<PersistedEvent, 'id' | 'metadata'>,
  reaction: string,
  actor: Actor,
  now: string,
): CommandContext => ({
  commandId: reactionIdOf(event.id, reaction),
  correlationId: event.metadata.correlationId,
  causationId: event.id,
  actor,
  now,
});

/**
 * The context of a command that a timer gives. `timer` names the moment that is due in the stream `of`, so the command is
 * the same one whoever finds it, and however often.
 * @param of id of what the timer belongs to
 */
export const timerContext = (
  of: string,
  timer: string,
  { correlationId, actor, now }: Pick<CommandContext, 'correlationId' | 'actor' | 'now'>,
): CommandContext => {
  const commandId = uuidV5(of, timer);
  return { commandId, correlationId, causationId: commandId, actor, now };
};

/** Everything that belongs to one migration is recorded under the task's id, whoever asked and however. */
export const correlatedBy = (context: CommandContext, taskId: string): CommandContext => ({
  ...context,
  correlationId: taskId,
});
