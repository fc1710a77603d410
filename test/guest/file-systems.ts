/** A file system that a guest makes on a disk of its own, and that is migrated while it is written to. */
export interface GuestFileSystem {
  readonly name: string;
  readonly diskMib: number;
  /** Makes it on the first partition of the empty disk, in the guest. */
  readonly make: string;
  /** Where and how it is mounted; several for several volumes. */
  readonly mounts: readonly GuestMount[];
  /** Makes devices of it appear in another guest. */
  readonly activate: string;
  /** Whether Linux can freeze it; otherwise whoever writes to it stops before the final round, as services do. */
  readonly isHoldable: boolean;
  /** Happens while an incremental round is under way. */
  readonly meanwhile: string | null;
}

export interface GuestMount {
  /** As the inventory calls it. */
  readonly type: string;
  /** As `mount` calls it. */
  readonly driver: string;
  readonly device: string;
  readonly mountPoint: string;
}

export const DISK = '/dev/vda';
/** Drivers that refuse `fstrim` as they are mounted here. */
export const NOT_TRIMMED: ReadonlySet<string> = new Set(['ntfs3']);
const PARTITION = '/dev/vda1';
/** A dash in the group's name is doubled in those of its devices. */
const GROUP = 'guest-group';
const volume = (name: string): string => `/dev/mapper/guest--group-${name}`;

const partitioned = (mib: number): string =>
  `printf 'label: gpt\\nstart=1MiB, size=${mib - 2}MiB, type=linux\\n' | sfdisk -q ${DISK}`;

interface Plain {
  readonly diskMib?: number;
  readonly driver?: string;
  readonly isHoldable: boolean;
  readonly meanwhile?: string;
}

function plain(name: string, type: string, mkfs: string, options: Plain): GuestFileSystem {
  const { diskMib = 128, driver = type, isHoldable, meanwhile = null } = options;
  return {
    ...{ name, diskMib, isHoldable, meanwhile },
    make: `${partitioned(diskMib)}\n${mkfs}`,
    mounts: [{ type, driver, device: PARTITION, mountPoint: '/mnt/data' }],
    activate: '',
  };
}

interface InVolumes {
  readonly diskMib: number;
  /** Makes volumes and what is in them. */
  readonly make: string;
  /** Names of volumes that are mounted. */
  readonly mounted: readonly string[];
  readonly meanwhile?: string;
}

function inVolumes(name: string, type: string, options: InVolumes): GuestFileSystem {
  const { diskMib, make, mounted, meanwhile = null } = options;
  const group = `lvm pvcreate -qq ${PARTITION}\nlvm vgcreate -qq ${GROUP} ${PARTITION}`;
  return {
    ...{ name, diskMib, isHoldable: true, meanwhile },
    make: `${partitioned(diskMib)}\n${group}\n${make}`,
    mounts: mounted.map((lv) => ({ type, driver: type, device: volume(lv), mountPoint: `/mnt/${lv}` })),
    activate: 'lvm vgchange -qq --activate y',
  };
}

const create = (mib: number, name: string): string => `lvm lvcreate -qq -y -L ${mib}m -n ${name} ${GROUP}`;
const extend = (mib: number, name: string): string => `lvm lvextend -qq -L ${mib}m ${GROUP}/${name}`;
const noise = (mib: number, device: string): string => `head -c ${mib}M /dev/urandom > ${device}`;

/** Grows step by step, as often as a round may meet it. */
const growing = (sizes: string, step: string): string => `for mib in $(seq ${sizes}); do ${step}; done`;

export const FILE_SYSTEMS: readonly GuestFileSystem[] = [
  plain('fat32', 'vfat', `mkfs.vfat -F 32 -s 2 ${PARTITION}`, { isHoldable: false }),
  plain('fat16', 'vfat', `mkfs.vfat -F 16 -s 4 ${PARTITION}`, { isHoldable: false }),
  plain('exfat', 'exfat', `mkfs.exfat -c 4K ${PARTITION}`, { isHoldable: false }),
  plain('ntfs3', 'ntfs', `mkntfs -q -Q -F ${PARTITION}`, { driver: 'ntfs3', isHoldable: false }),
  plain('ext4', 'ext4', `mkfs.ext4 -q ${PARTITION}`, { isHoldable: true }),
  plain('xfs', 'xfs', `mkfs.xfs -q ${PARTITION}`, { diskMib: 320, isHoldable: true }),
  plain('btrfs', 'btrfs', `mkfs.btrfs -q ${PARTITION}`, { diskMib: 256, isHoldable: true }),
  inVolumes('ext4 on LVM, in two segments', 'ext4', {
    diskMib: 256,
    make: [
      ...[create(64, 'data'), create(64, 'other'), extend(128, 'data'), create(8, 'raw'), noise(8, volume('raw'))],
      ...[`mkfs.ext4 -q ${volume('data')}`, `mkfs.ext4 -q ${volume('other')}`],
    ].join('\n'),
    mounted: ['data', 'other'],
  }),
  inVolumes('xfs on LVM, in two segments', 'xfs', {
    diskMib: 448,
    make: [
      ...[create(200, 'data'), create(8, 'raw'), noise(8, volume('raw')), extend(360, 'data')],
      `mkfs.xfs -q ${volume('data')}`,
    ].join('\n'),
    mounted: ['data'],
  }),
  plain('ext4, grown in its partition', 'ext4', `mkfs.ext4 -q ${PARTITION} 64M`, {
    ...{ diskMib: 512, isHoldable: true },
    meanwhile: growing('80 16 480', `resize2fs ${PARTITION} \${mib}M`),
  }),
  inVolumes('ext4 on LVM, grown with its volume', 'ext4', {
    diskMib: 512,
    make: [create(64, 'data'), create(8, 'other'), `mkfs.ext4 -q ${volume('data')}`].join('\n'),
    mounted: ['data'],
    meanwhile: growing('80 16 480', `lvm lvextend -qq -L \${mib}m ${GROUP}/data; resize2fs ${volume('data')}`),
  }),
  inVolumes('xfs on LVM, grown with its volume', 'xfs', {
    diskMib: 768,
    make: [create(320, 'data'), create(8, 'other'), `mkfs.xfs -q ${volume('data')}`].join('\n'),
    mounted: ['data'],
    meanwhile: growing('352 32 736', `lvm lvextend -qq -L \${mib}m ${GROUP}/data; xfs_growfs /mnt/data`),
  }),
];
