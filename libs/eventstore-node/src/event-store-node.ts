import { randomUUID } from 'node:crypto';
import { ReadingTurns } from './streams/reading-turns.js';
import { EventLog } from './storage/event-log.js';
import { writeFirstEvents } from './storage/first-events.js';
import { GroupRegistry } from './persistent-subscriptions/group-registry.js';
import { GroupStorage } from './persistent-subscriptions/group-storage.js';
import { getSupportedMethods } from './server/features.service.js';
import { gossipRead } from './server/gossip.service.js';
import { GrpcServer } from './server/grpc-server.js';
import { OpenCalls } from './server/open-calls.js';
import { featuresGrpc, gossipGrpc } from './server/proto.js';
import { persistentService } from './server/persistent.service.js';
import { streamsService } from './server/streams.service.js';

/** How long a shutdown waits for answers that are under way. */
const SHUTDOWN_GRACE_MS = 2_000;

export interface EventStoreNodeOptions {
  /** Folder of the data, created when missing. One node at a time. */
  readonly dataFolder: string;
  /** TCP port on the loopback interface; 0 takes a free one. */
  readonly port: number;
  /** A live subscriber that does not keep up is told so (default), or dropped with ABORTED as servers before 24 do. */
  readonly slowSubscribers?: 'fall-behind' | 'abort';
  /** Told what went wrong without a caller to be told, such as a checkpoint that could not be written. */
  readonly onFault?: (error: unknown) => void;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

export interface EventStoreNode {
  readonly port: number;
  /** Ends open streams with UNAVAILABLE, commits what was accepted, closes the files. */
  close(): Promise<void>;
}

/**
 * Starts the embedded event node: a single node that speaks EventStoreDB's gRPC protocol on the loopback interface.
 *
 * @throws DataFolderError when the data cannot be used; LogWriteError when a new log cannot be begun; Error when the
 *   port is taken
 */
export async function startEventStoreNode(options: EventStoreNodeOptions): Promise<EventStoreNode> {
  const now = options.now ?? Date.now;
  const log = EventLog.open(options.dataFolder, now);
  try {
    await writeFirstEvents(log);
  } catch (error) {
    log.close();
    throw error;
  }
  const calls = new OpenCalls();
  const storage = new GroupStorage(log, now);
  const groups = new GroupRegistry({ log, storage, now, onFault: options.onFault ?? (() => undefined) });
  let port = 0;
  const server = new GrpcServer(
    [
      streamsService(log, calls, {
        now,
        turns: new ReadingTurns(),
        slowSubscribers: options.slowSubscribers ?? 'fall-behind',
      }),
      persistentService({ log, groups, storage, calls, now }),
      { definition: featuresGrpc.ServerFeaturesService, handlers: { getSupportedMethods } },
      { definition: gossipGrpc.GossipService, handlers: { read: gossipRead(randomUUID(), () => port, now) } },
    ],
    calls.unfinished,
  );
  try {
    port = await server.listen(options.port);
  } catch (error) {
    log.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    calls.endAll();
    groups.end();
    await server.close(SHUTDOWN_GRACE_MS);
    log.close();
  };
  return {
    port,
    close: () => (closing ??= shutDown()),
  };
}
