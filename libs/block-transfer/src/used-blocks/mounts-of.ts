/** A place at which a device's file system is mounted. */
export interface DeviceMount {
  /** The kernel's number of this mount. */
  readonly mountId: number;
  readonly mountPoint: string;
  /** `xfs`, `fuseblk`, ... */
  readonly type: string;
  /** Whether the file system as a whole is read-only, as against this one view of it. */
  readonly readOnly: boolean;
  /** Those of the file system, as against those of this one view of it. */
  readonly options: readonly string[];
}

/**
 * The mounts of one device in `/proc/self/mountinfo`. A btrfs has a device number of its own there and is told by the
 * device that it was mounted from.
 * @param deviceNumber `major:minor`
 * @param numberOf the number of a block device, or null
 */
export async function mountsOf(
  deviceNumber: string,
  mountInfo: string,
  numberOf: (device: string) => Promise<string | null>,
): Promise<DeviceMount[]> {
  const mounts: DeviceMount[] = [];
  for (const { deviceNumber: number, source, ...mount } of mountInfo.split('\n').flatMap(parseLine)) {
    const isDevice = number === deviceNumber || (mount.type === 'btrfs' && (await numberOf(source)) === deviceNumber);
    if (isDevice) mounts.push(mount);
  }
  return mounts;
}

interface Line extends DeviceMount {
  readonly deviceNumber: string;
  readonly source: string;
}

function parseLine(line: string): Line[] {
  const fields = line.split(' ');
  // A variable number of optional fields ends at a lone dash.
  const dash = fields.indexOf('-', 6);
  const [mountId, , deviceNumber, , mountPoint] = fields;
  const [type, source, superOptions] = fields.slice(dash + 1);
  if (dash === -1 || !deviceNumber || !mountPoint || !type || source === undefined) return [];
  const options = superOptions?.split(',') ?? [];
  const readOnly = options.includes('ro');
  const paths = { mountPoint: unescape(mountPoint), source: unescape(source) };
  return [{ mountId: Number(mountId), deviceNumber, type, readOnly, options, ...paths }];
}

/** Blanks, tabs, line ends and backslashes are written as octal numbers. */
function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
