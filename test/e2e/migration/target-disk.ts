import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type DomainMap, parseDomainMap } from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import { commandOutput } from '../../../infra/demo/machine/run-command.js';
import { SERVER_FOLDER, TARGET_VMS_FOLDER } from '../../../infra/demo/run-folder/clean-up-run.js';
import type { SourceDisk } from '../../../infra/demo/source-disk/index.js';
import {
  type FileSystemCheck,
  type TreeComparison,
  checkFileSystem,
  compareTrees,
  openTargetDisk,
} from '../../../infra/demo/target-check/index.js';

const SECTOR_BYTES = 512;
const READ_BYTES = 4 * 1024 * 1024;
const ZEROS = Buffer.alloc(READ_BYTES);

/** Where the local-process driver keeps a target's disk. */
export const targetImageOf = (folder: string, targetVmId: string, diskId: string): string =>
  join(folder, SERVER_FOLDER, TARGET_VMS_FOLDER, targetVmId, 'disks', `${encodeURIComponent(diskId)}.img`);

/** Looks at the target's partition with the operating system's own tools, read-only. */
export async function examineTarget(
  source: SourceDisk,
  imagePath: string,
  mountPoint: string,
): Promise<{ readonly fileSystem: FileSystemCheck; readonly trees: TreeComparison }> {
  const target = await openTargetDisk(imagePath);
  try {
    const fileSystem = await checkFileSystem(target.partitionDevice);
    await target.mount(mountPoint);
    return { fileSystem, trees: await compareTrees(source.mountPoint, mountPoint) };
  } finally {
    await target.close();
  }
}

/** Used and free blocks of the source's ext4 by partclone, as ranges of the disk. The file system is at rest. */
export async function partcloneMapOf({ partitionDevice }: SourceDisk): Promise<DomainMap> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-e2e-map-'));
  try {
    const map = join(folder, 'domain');
    await commandOutput('partclone.extfs', ['-D', '-q', '-F', '-L', '/dev/null', '-s', partitionDevice, '-O', map]);
    const start = await readFile(join('/sys/class/block', basename(partitionDevice), 'start'), 'utf8');
    return parseDomainMap(await readFile(map, 'utf8'), Number(start) * SECTOR_BYTES);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns how many bytes of these ranges are zero, and where the first that is not lies (-1 when none) */
export async function countZeros(
  imagePath: string,
  ranges: readonly ByteRange[],
): Promise<{ readonly zeroBytes: number; readonly firstOtherOffset: number }> {
  const image = await open(imagePath, 'r');
  const buffer = Buffer.alloc(READ_BYTES);
  let zeroBytes = 0;
  try {
    for (const { offsetBytes, lengthBytes } of ranges) {
      for (let done = 0; done < lengthBytes;) {
        const wanted = Math.min(READ_BYTES, lengthBytes - done);
        const { bytesRead } = await image.read(buffer, 0, wanted, offsetBytes + done);
        if (bytesRead === 0) throw new RangeError(`${imagePath} ends at ${offsetBytes + done}`);
        const piece = buffer.subarray(0, bytesRead);
        if (!piece.equals(ZEROS.subarray(0, bytesRead))) {
          return { zeroBytes, firstOtherOffset: offsetBytes + done + piece.findIndex((byte) => byte !== 0) };
        }
        zeroBytes += bytesRead;
        done += bytesRead;
      }
    }
  } finally {
    await image.close();
  }
  return { zeroBytes, firstOtherOffset: -1 };
}
