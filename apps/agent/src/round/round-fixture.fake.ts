import type { Disk, MachineInventory, SyncRoundAssignment } from '#libs/contracts';

export const TASK_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001';
export const ROUND_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a002';
/** Of the round's n-th attempt, up to 9. */
export const attemptId = (attempt: number): string => `6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a10${attempt}`;

/** A disk with one ext4 partition, mounted when a mount point is given. */
export function fakeDisk(diskId: string, sizeBytes: number, mountPoint: string | null = null): Disk {
  const device = `/dev/${diskId}`;
  return {
    ...{ diskId, device, sizeBytes },
    logicalSectorBytes: 512,
    transport: null,
    external: false,
    allocation: 'unknown',
    partitionTable: 'gpt',
    partitions: [
      {
        number: 1,
        device: `${device}p1`,
        startBytes: 0,
        sizeBytes,
        typeId: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
        fileSystem: { type: 'ext4', uuid: null, label: null, sizeBytes, usedBytes: 0, mountPoint },
      },
    ],
    fileSystem: null,
  };
}

export function fakeInventory(disks: readonly Disk[]): MachineInventory {
  return {
    hostname: 'host',
    operatingSystem: { name: 'Linux', version: '1', kernel: '1', architecture: 'x86_64' },
    firmware: 'bios',
    cpuCount: 1,
    memoryBytes: 1,
    memoryFreeBytes: 1,
    disks: [...disks],
    networkMounts: [],
  };
}

export function fakeAssignment(
  roundKind: SyncRoundAssignment['roundKind'],
  disks: readonly Disk[],
  { attempt = 1, resend = false }: { readonly attempt?: number; readonly resend?: boolean } = {},
): SyncRoundAssignment {
  return {
    kind: 'sync-round',
    assignmentId: attemptId(attempt),
    taskId: TASK_ID,
    roundId: ROUND_ID,
    ...{ attempt, roundKind, resend, digestAlgorithm: 'blake3' as const },
    disks: disks.map(({ diskId, device, sizeBytes }) => ({
      ...{ diskId, device, sizeBytes },
      export: { host: '127.0.0.1', port: 10809, exportName: diskId },
    })),
  };
}
