import * as z from 'zod';
import type { Actor, EventMetadata } from '#libs/eventsourcing';

/**
 * Metadata as it stands in the store. Correlation and causation use the names that EventStoreDB's own
 * projections look for, so that anyone can follow a chain with its tools.
 */
const storedMetadata = z.object({
  $correlationId: z.string(),
  $causationId: z.string(),
  commandId: z.string(),
  actor: z.custom<Actor>((value) => typeof value === 'string' && /^(operator|service|endpoint):/.test(value)),
  occurredAt: z.string(),
  producer: z.string(),
});

export const toStoredMetadata = (metadata: EventMetadata): z.infer<typeof storedMetadata> => ({
  $correlationId: metadata.correlationId,
  $causationId: metadata.causationId,
  commandId: metadata.commandId,
  actor: metadata.actor,
  occurredAt: metadata.occurredAt,
  producer: metadata.producer,
});

export const fromStoredMetadata = (stored: unknown): EventMetadata => {
  const { $correlationId, $causationId, ...rest } = storedMetadata.parse(stored);
  return { correlationId: $correlationId, causationId: $causationId, ...rest };
};
