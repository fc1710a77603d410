/** The programs the inventory asks; each belongs to a package in {@link TOOL_PACKAGES}. */
export type Tool = 'lsblk' | 'sfdisk' | 'blkid' | 'dumpe2fs';

/** Debian package per program, for the message when one is missing. */
export const TOOL_PACKAGES: Readonly<Record<Tool, string>> = {
  lsblk: 'util-linux',
  sfdisk: 'fdisk',
  blkid: 'util-linux',
  dumpe2fs: 'e2fsprogs',
};

export interface ToolOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `statfs` says of a mounted file system; `deviceNumber` is `major:minor` of what is really visible there. */
export interface MountedSpace {
  readonly deviceNumber: string;
  readonly sizeBytes: number;
  readonly usedBytes: number;
}

/** What a path given by the operator leads to, symbolic links followed. */
export type DevicePath = { readonly kind: 'block'; readonly path: string } | { readonly kind: 'absent' | 'other' };

/** Everything the inventory asks of the machine, so that recorded machines can stand in for this one. */
export interface MachineView {
  /**
   * Runs a program to its end, with messages in English.
   * @throws InventoryError `TOOL_MISSING` when it is not installed, `TOOL_FAILED` when it does not end in time.
   */
  run(tool: Tool, args: readonly string[]): Promise<ToolOutcome>;
  /** The text of a file, or null when it cannot be read. */
  readText(path: string): Promise<string | null>;
  exists(path: string): Promise<boolean>;
  /** Null when the mount point cannot be reached. */
  spaceOf(mountPoint: string): Promise<MountedSpace | null>;
  followDevicePath(path: string): Promise<DevicePath>;
  facts(): MachineFacts;
}

export interface MachineFacts {
  readonly hostname: string;
  readonly kernel: string;
  /** As `uname -m` prints it. */
  readonly hardwareName: string;
  readonly cpuCount: number;
}
