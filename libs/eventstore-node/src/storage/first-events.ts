import { randomUUID } from 'node:crypto';
import type { EventLog } from './event-log.js';
import { EventType, metastreamOf, type NewEvent } from './record.js';

/** Where a node says of itself what it is. */
export const NODE_STREAM = '$embedded-node';

/**
 * Begins an empty log with what the node says of itself. A real server writes events of its own when it first starts;
 * a reader that takes `$all` for empty, or for its own, should find out here. A log that has anything gets nothing.
 *
 * @throws LogWriteError when the disk refuses
 */
export async function writeFirstEvents(log: EventLog): Promise<void> {
  if (log.lastPosition > 0) return;
  await log.write((writer) => {
    const admins = '$admins';
    const metadata = { $acl: { $w: admins, $d: admins, $mw: admins } };
    writer.append(writer.state(metastreamOf(NODE_STREAM)), [systemEvent(EventType.Metadata, metadata)]);
    writer.append(writer.state(NODE_STREAM), [
      systemEvent('$embeddedNodeCreated', { what: 'embedded event node', nodes: 1, tls: false, users: false }),
      systemEvent('$embeddedNodeProtocol', { follows: 'EventStoreDB 23.10', transport: 'gRPC', projections: false }),
    ]);
  });
}

const systemEvent = (type: string, value: object): NewEvent => ({
  id: randomUUID(),
  type,
  isJson: true,
  data: Buffer.from(JSON.stringify(value)),
  metadata: new Uint8Array(0),
});
