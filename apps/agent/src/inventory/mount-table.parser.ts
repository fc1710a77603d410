/** One line of the kernel's mount table. */
export interface Mount {
  /** `major:minor` of the mounted file system. */
  readonly deviceNumber: string;
  /** The folder of the file system that is mounted: `/`, or another for a bind mount or a subvolume. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
}

/**
 * Reads `/proc/self/mountinfo`. It is preferred over `/proc/mounts` because it names each file system by its device
 * number: the root file system's source can be a name that exists nowhere, such as `/dev/root`.
 */
export function parseMountTable(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    // A variable number of optional fields ends at a lone dash.
    const dash = fields.indexOf('-', 6);
    const [, , deviceNumber, root, mountPoint] = fields;
    const [type, source] = fields.slice(dash + 1);
    if (dash === -1 || !deviceNumber || !root || !mountPoint || !type || source === undefined) return [];
    return [{ deviceNumber, root: unescape(root), mountPoint: unescape(mountPoint), type, source: unescape(source) }];
  });
}

/** Blanks, tabs, line ends and backslashes are written as octal numbers. The bytes are those of UTF-8 otherwise. */
function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The mount that shows most of a device: its root rather than a bind mount, at the shortest path. */
export function mountOf(
  device: { readonly deviceNumber: string; readonly path: string },
  mounts: readonly Mount[],
): Mount | null {
  const own = mounts.filter(
    // btrfs mounts have a device number of their own and name the device only as their source.
    (mount) => mount.deviceNumber === device.deviceNumber || (mount.type === 'btrfs' && mount.source === device.path),
  );
  const rank = (mount: Mount) => (mount.root === '/' ? 0 : 1_000_000) + mount.mountPoint.length;
  return own.toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}
