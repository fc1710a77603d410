import { EndpointFailure, type NbdkitServer, type ServerTls } from '#libs/block-transfer';
import type { ServeExportsAssignment } from '#libs/contracts';
import { isLoopback } from '#libs/program';
import { announce, deliver, untilAborted } from './deliver.js';
import { failureOf } from './failure-of.decision.js';
import type { RestorerPorts } from './restorer.ports.js';
import { tellServing, type OpenExport } from './tell-serving.js';

/**
 * Serves the disks of a round by one fresh nbdkit each for one attempt, until the signal aborts or one of them dies.
 * None is left when the promise settles, and none of an earlier process is there when the first begins: no write of
 * another attempt can land in this one.
 */
export async function serveExports(
  ports: RestorerPorts,
  assignment: ServeExportsAssignment,
  signal: AbortSignal,
): Promise<void> {
  const open: OpenExport[] = [];
  let failure: unknown;
  try {
    await openAll(ports, assignment, open, signal);
    if (!signal.aborted) await serve(ports, assignment, open, signal);
  } catch (error) {
    failure = error;
  } finally {
    await Promise.all(open.flatMap(serversOf).map((server) => server.close()));
  }
  if (signal.aborted || failure === undefined) return;
  const reported = failureOf(failure);
  ports.log('warn', `${nameOf(assignment)}: ${reported.code}: ${reported.detail}`);
  await deliver(ports.report, { kind: 'exports-failed', ...ofRound(assignment), ...reported }, signal);
}

/** Rejects when a server dies. */
async function serve(
  ports: RestorerPorts,
  assignment: ServeExportsAssignment,
  open: readonly OpenExport[],
  signal: AbortSignal,
): Promise<void> {
  const endTelling = await tellServing(ports, assignment, open);
  try {
    const exports = open.map(({ diskId, server, groupDigests }) => ({
      ...{ diskId, export: server.export },
      ...(groupDigests === null ? {} : { groupDigests: groupDigests.export }),
    }));
    ports.log('info', `${nameOf(assignment)}: ${open.length} disks are served.`);
    announce(ports, { kind: 'exports-opened', ...ofRound(assignment), exports }, signal);
    await Promise.race([untilAborted(signal), ...open.flatMap(untilOneIsDead)]);
  } finally {
    endTelling();
  }
}

const ofRound = ({ taskId, assignmentId, roundId }: ServeExportsAssignment) => ({ taskId, assignmentId, roundId });

const nameOf = ({ roundId, attempt }: ServeExportsAssignment): string => `Round ${roundId}, attempt ${attempt}`;

/** Adds to `open` as it goes, so that a failure half-way leaves nothing behind unnoticed. */
async function openAll(
  ports: RestorerPorts,
  assignment: ServeExportsAssignment,
  open: OpenExport[],
  signal: AbortSignal,
): Promise<void> {
  const disks = ports.findDisks(assignment.disks);
  const digestPaths = await digestPathsOf(ports, assignment);
  await ports.endLeftoverServers([...disks.map(({ path }) => path), ...digestPaths.values()]);
  await ports.clearStartFolder();
  const to = { host: ports.listenHost, ...(await tlsFor(ports, assignment)) };
  for (const { diskId, path, sizeBytes } of disks) {
    if (signal.aborted) return;
    const served: OpenExport = {
      diskId,
      server: await ports.startNbdkit({ path, sizeBytes, ...to }),
      groupDigests: null,
    };
    open.push(served);
    const digestsPath = digestPaths.get(diskId);
    if (digestsPath === undefined) continue;
    served.groupDigests = await ports.startNbdkit({ path: digestsPath, readOnly: true, ...to });
  }
}

/** Of the disks that are to be repaired, as far as there are any. */
async function digestPathsOf(
  { groupDigests }: RestorerPorts,
  { disks }: ServeExportsAssignment,
): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const { diskId, differs } of disks) {
    const path = differs === true ? await groupDigests.pathOf(diskId) : null;
    if (path !== null) paths.set(diskId, path);
  }
  return paths;
}

const serversOf = ({ server, groupDigests }: OpenExport): NbdkitServer[] =>
  groupDigests === null ? [server] : [server, groupDigests];

/** A key for this attempt alone. @returns nothing for cleartext, which only an agent without a certificate is served */
async function tlsFor(
  { allowCleartext, listenHost, makeIdentity }: RestorerPorts,
  { clientCertificate }: ServeExportsAssignment,
): Promise<{ tls?: ServerTls }> {
  if (clientCertificate !== undefined) return { tls: { identity: await makeIdentity(), clientCertificate } };
  if (isLoopback(listenHost) || allowCleartext) return {};
  throw new EndpointFailure(
    'DATA_PATH_UNTRUSTED',
    `the agent has no certificate to encrypt with, and ${listenHost} can be reached by other machines`,
  );
}

const untilOneIsDead = (served: OpenExport): Promise<never>[] =>
  serversOf(served).map((server) => untilDead(served, server));

async function untilDead({ diskId }: OpenExport, server: NbdkitServer): Promise<never> {
  const { code, signal, output } = await server.exited;
  throw new EndpointFailure(
    'EXPORT_FAILED',
    `nbdkit for disk ${diskId} ended (${signal ?? `code ${code ?? 'unknown'}`}): ${output}`,
  );
}
