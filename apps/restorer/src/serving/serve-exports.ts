import { EndpointFailure, type NbdkitServer } from '#libs/block-transfer';
import type { ServeExportsAssignment } from '#libs/contracts';
import { deliver, untilAborted } from './deliver.js';
import { failureOf } from './failure-of.decision.js';
import type { RestorerPorts } from './restorer.ports.js';

interface OpenExport {
  readonly diskId: string;
  readonly server: NbdkitServer;
}

/**
 * Serves the disks of a round by one fresh nbdkit each, until the signal aborts or one of them dies. None is left when
 * the promise settles, so no write of this round can land in the next.
 */
export async function serveExports(
  ports: RestorerPorts,
  assignment: ServeExportsAssignment,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, assignmentId } = assignment;
  const open: OpenExport[] = [];
  let failure: unknown;
  try {
    await openAll(ports, assignment, open, signal);
    if (!signal.aborted) {
      const exports = open.map(({ diskId, server }) => ({ diskId, export: server.export }));
      ports.log('info', `Round ${assignmentId}: ${open.length} disks are served.`);
      // Not awaited: the disks are served whether the server hears of it now or after a reconnect.
      void deliver(ports.report, { kind: 'exports-opened', taskId, assignmentId, exports }, signal).catch(
        (error: unknown) => {
          ports.log('warn', `The opened exports were not reported: ${String(error)}`);
        },
      );
      await Promise.race([untilAborted(signal), ...open.map(untilDead)]);
    }
  } catch (error) {
    failure = error;
  } finally {
    await Promise.all(open.map(({ server }) => server.close()));
  }
  if (signal.aborted || failure === undefined) return;
  const reported = failureOf(failure);
  ports.log('warn', `Round ${assignmentId}: ${reported.code}: ${reported.detail}`);
  await deliver(ports.report, { kind: 'exports-failed', taskId, assignmentId, ...reported }, signal);
}

/** Adds to `open` as it goes, so that a failure half-way leaves nothing behind unnoticed. */
async function openAll(
  ports: RestorerPorts,
  assignment: ServeExportsAssignment,
  open: OpenExport[],
  signal: AbortSignal,
): Promise<void> {
  for (const { diskId, path, sizeBytes } of ports.findDisks(assignment.disks)) {
    if (signal.aborted) return;
    open.push({ diskId, server: await ports.startNbdkit({ path, sizeBytes, host: ports.listenHost }) });
  }
}

async function untilDead({ diskId, server }: OpenExport): Promise<never> {
  const { code, signal, output } = await server.exited;
  throw new EndpointFailure(
    'EXPORT_FAILED',
    `nbdkit for disk ${diskId} ended (${signal ?? `code ${code ?? 'unknown'}`}): ${output}`,
  );
}
