import { type EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import type { Subscription, SubscriptionHandler } from '#libs/eventsourcing';
import { classify, toPersisted } from './persisted-event.js';

/** After this many times 32 events that were looked at, matching or not, the server names a checkpoint. */
const CHECKPOINT_INTERVAL = 8;

/**
 * Subscribes to `$all`, filtered by the server. Events are pulled one by one, which gives back-pressure.
 * The client calls `checkpointReached` when the checkpoint arrives, while earlier events may still wait in its
 * buffer; a checkpoint is therefore held back until the buffer is empty, and so is that it has caught up.
 */
export const subscribeWithPrefixes = (
  client: EventStoreDBClient,
  prefixes: readonly string[],
  from: bigint | 'start',
  handler: SubscriptionHandler,
): Subscription => {
  let pendingCheckpoint: bigint | null = null;
  let isCaughtUpPending = false;
  let busy = false;
  let stopping = false;
  const { promise: ended, resolve, reject } = Promise.withResolvers<undefined>();

  const source = client.subscribeToAll({
    fromPosition: from === 'start' ? START : { commit: from, prepare: from },
    filter: streamNameFilter({
      prefixes: [...prefixes],
      checkpointInterval: CHECKPOINT_INTERVAL,
      checkpointReached: (_subscription, position) => {
        pendingCheckpoint = position.commit;
        pump();
      },
    }),
  });

  const drain = async (): Promise<void> => {
    while (!stopping) {
      const resolved = source.read() as { event?: Parameters<typeof toPersisted>[0] } | null;
      if (resolved !== null) {
        if (resolved.event !== undefined) await handler.onEvent(toPersisted(resolved.event));
      } else if (pendingCheckpoint !== null) {
        const position = pendingCheckpoint;
        pendingCheckpoint = null;
        await handler.onCheckpoint?.(position);
      } else if (isCaughtUpPending) {
        isCaughtUpPending = false;
        handler.onCaughtUp?.();
      } else {
        return;
      }
    }
  };

  /** Of a subscription that never came about, the client gives its fault here as well. */
  const leave = (): Promise<void> => source.unsubscribe().catch(() => undefined);

  const finish = (error?: unknown): void => {
    if (error === undefined || stopping) resolve(undefined);
    else reject(classify(error));
    void leave();
  };

  const pump = (): void => {
    if (busy) return;
    busy = true;
    drain().then(
      () => (busy = false),
      (error: unknown) => finish(error),
    );
  };

  source.on('readable', pump);
  source.on('caughtUp', () => {
    isCaughtUpPending = true;
    pump();
  });
  source.on('error', finish);
  source.on('end', () => finish(stopping ? undefined : new Error('The event store ended the subscription')));
  source.on('close', () => finish(stopping ? undefined : new Error('The subscription was closed')));
  ended.catch(() => undefined); // whoever waits sees it; nobody waiting must not end the process

  return {
    ended,
    stop: async () => {
      stopping = true;
      await leave();
      finish();
      await ended;
    },
  };
};
