import { EventStoreDb } from '#libs/eventstore';

const STREAMS = [
  'migrationTask-',
  'targetVm-',
  'hciSite-',
  'enrolmentToken-',
  'endpoint-',
  'replication-',
  'acknowledgedRanges-',
  'cutover-',
];

/** Every event that any service has recorded so far, as `stream type`, in order. */
export const recordedEvents = async (eventStoreUrl: string): Promise<readonly string[]> => {
  const store = new EventStoreDb(eventStoreUrl);
  const seen: string[] = [];
  try {
    const { promise: caughtUp, resolve } = Promise.withResolvers<true>();
    const subscription = await store.subscribe(STREAMS, 'start', {
      onEvent: async ({ streamName, storedType }) => {
        seen.push(`${streamName} ${storedType}`);
      },
      onCaughtUp: () => resolve(true),
    });
    await Promise.race([caughtUp, subscription.ended]);
    await subscription.stop();
    return seen;
  } finally {
    await store.close();
  }
};
