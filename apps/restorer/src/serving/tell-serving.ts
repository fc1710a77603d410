import type { EndpointProgress, ServeExportsAssignment } from '#libs/contracts';
import type { NbdkitServer } from '#libs/block-transfer';
import type { RestorerPorts } from './restorer.ports.js';
import type { ServerBytes } from './server-bytes.js';

/** Far shorter than any resume window, whose end the server decides by these frames. */
const SERVING_INTERVAL_MS = 5_000;

export interface OpenExport {
  readonly diskId: string;
  readonly server: NbdkitServer;
  /** Of a disk that is to be repaired; null: there are none. */
  groupDigests: NbdkitServer | null;
}

/**
 * Tells at the interval what the disks' servers have moved in this attempt. While the agent has no channel to the
 * server, nothing else shows that its data still comes.
 * @returns ends the telling
 */
export async function tellServing(
  ports: RestorerPorts,
  assignment: ServeExportsAssignment,
  open: readonly OpenExport[],
): Promise<() => void> {
  // A server counts from its start on, and nbdkit reads its own files before it serves.
  const before = await readAll(ports, open);
  const moved = new Map<string, ServerBytes>();
  let isOver = false;
  let cancel = (): void => undefined;
  const tell = (): void => {
    ports.progress(progressOf(assignment, moved, ports.now()));
    cancel = ports.scheduler.after(SERVING_INTERVAL_MS, () => void look());
  };
  const look = async (): Promise<void> => {
    for (const [diskId, now] of await readAll(ports, open)) moved.set(diskId, since(before.get(diskId), now));
    if (!isOver) tell();
  };
  tell();
  return () => {
    isOver = true;
    cancel();
  };
}

/** Without those that are gone or not counted: what was known of them stays. */
async function readAll(ports: RestorerPorts, open: readonly OpenExport[]): Promise<Map<string, ServerBytes>> {
  const all = await Promise.all(
    open.map(async ({ diskId, server }) => [diskId, await ports.readServerBytes(server.pid)] as const),
  );
  return new Map(all.flatMap(([diskId, bytes]) => (bytes === null ? [] : [[diskId, bytes] as const])));
}

function since(before: ServerBytes | undefined, now: ServerBytes): ServerBytes {
  return {
    takenBytes: now.takenBytes - (before?.takenBytes ?? 0),
    writtenBytes: now.writtenBytes - (before?.writtenBytes ?? 0),
  };
}

function progressOf(
  { taskId, assignmentId, disks }: ServeExportsAssignment,
  moved: ReadonlyMap<string, ServerBytes>,
  now: Date,
): EndpointProgress {
  return {
    ...{ taskId, assignmentId },
    at: now.toISOString(),
    activity: 'serving',
    disks: disks.map(({ diskId, sizeBytes: diskBytes }) => {
      const { takenBytes, writtenBytes } = moved.get(diskId) ?? { takenBytes: 0, writtenBytes: 0 };
      // A server with TLS takes its requests in past the kernel's count.
      const processedBytes = Math.max(takenBytes, writtenBytes);
      return { diskId, diskBytes, plannedBytes: 0, processedBytes, sentBytes: writtenBytes, acknowledgedBytes: 0 };
    }),
  };
}
