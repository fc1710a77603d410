import { makeDataIdentity, NbdConnection, type DataIdentity } from '#libs/block-transfer';
import type { ServeExportsAssignment } from '#libs/contracts';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RestorerUnderTest, untilThere } from './restorer-process.fixture.js';

const MIB = 1024 * 1024;
const SIZE_BYTES = 16 * MIB;

/** A process that is stopped, or waits for a disk, is there; the remains of one are not. */
const isThere = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Stops a process, and waits until none of its threads does anything more. */
const hold = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGSTOP');
  const isHeld = (thread: string): boolean =>
    /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
  await expect.poll(() => readdirSync(`/proc/${pid}/task`).every(isHeld)).toBe(true);
};

describe('a restorer that is killed while it serves', () => {
  const ofTask = { taskId: randomUUID() };
  let restorer: RestorerUnderTest;
  let agent: DataIdentity;
  let client: NbdConnection;
  let leftover: number;

  const serving = (attempt: number): ServeExportsAssignment => ({
    ...{ kind: 'serve-exports', ...ofTask, assignmentId: randomUUID(), roundId: randomUUID(), attempt },
    disks: [{ diskId: restorer.diskId, sizeBytes: SIZE_BYTES }],
    clientCertificate: agent.certificate,
  });
  const byteAt = async (offsetBytes: number): Promise<number> => {
    const image = await open(restorer.image);
    try {
      return (await image.read(Buffer.alloc(1), 0, 1, offsetBytes)).buffer[0]!;
    } finally {
      await image.close();
    }
  };

  /** The server of the killed restorer is left with a write in hand, and is not even able to notice anything. */
  beforeEach(async () => {
    agent = await makeDataIdentity('agent');
    restorer = await RestorerUnderTest.open(SIZE_BYTES);
    await restorer.start();
    const first = serving(1);
    restorer.want(first);
    const { exports } = await restorer.report('exports-opened', first.assignmentId);
    client = await NbdConnection.connect(exports[0]!.export, { identity: agent });
    await client.write(0, Buffer.alloc(4096, 1));
    [leftover] = (await restorer.servers()) as [number];
    await hold(leftover);
    client.write(MIB, Buffer.alloc(4096, 2)).catch(() => undefined);
    await restorer.kill();
    expect(isThere(leftover)).toBe(true);
  }, 60_000);
  afterEach(async () => {
    if (isThere(leftover)) process.kill(leftover, 'SIGKILL');
    await client.close();
    await restorer.close();
  });
  const expectNoLateWrite = async (): Promise<void> => {
    expect(isThere(leftover)).toBe(false);
    expect([await byteAt(0), await byteAt(MIB)]).toEqual([1, 0]);
  };

  it('has nothing in hand when it is back, and serves only when its old server is gone', async () => {
    const second = serving(2);
    restorer.want(second);
    // As if the other had been killed while its server started.
    const stale = join(restorer.startFolder, 'landfall-nbdkit-stale');
    await mkdir(stale);
    await writeFile(join(stale, 'server-key.pem'), 'a key');
    await restorer.start();
    expect(restorer.hellos).toEqual([null, null]);
    const { exports, roundId } = await restorer.report('exports-opened', second.assignmentId);
    await expectNoLateWrite();
    expect(existsSync(stale)).toBe(false);
    expect(readdirSync(restorer.startFolder)).toEqual([]);
    expect(roundId).toBe(second.roundId);
    const again = await NbdConnection.connect(exports[0]!.export, { identity: agent });
    await again.write(2 * MIB, Buffer.alloc(MIB, 3));
    const frame = await untilThere('what was written to be told', () =>
      restorer.progress.find(
        ({ assignmentId, disks }) => assignmentId === second.assignmentId && disks[0]!.sentBytes > 0,
      ),
    );
    expect(frame).toMatchObject({ activity: 'serving', disks: [{ diskId: 'sda', sentBytes: MIB }] });
    expect(frame.disks[0]!.processedBytes).toBe(MIB);
    await again.close();
  });

  it('digests only when its old server is gone', async () => {
    const assignmentId = randomUUID();
    const disks = [{ diskId: restorer.diskId, sizeBytes: SIZE_BYTES }];
    restorer.want({ kind: 'compute-digests', ...ofTask, assignmentId, digestAlgorithm: 'blake3', disks });
    await restorer.start();
    await restorer.report('digests-begun', assignmentId);
    await expectNoLateWrite();
    await restorer.report('digests-computed', assignmentId);
    const ofVerification = restorer.reports.filter((report) => report.kind.startsWith('digests-'));
    expect(ofVerification.map(({ kind }) => kind)).toEqual(['digests-begun', 'digests-computed']);
  });
});
