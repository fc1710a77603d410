import { attachImage, detachImage, partitionNode } from '../machine/loop-device.js';
import { mount, unmount } from '../machine/mount-point.js';

export interface OpenTargetDisk {
  readonly device: string;
  /** Of the first partition. */
  readonly partitionDevice: string;
  /** Mounts the first partition read-only. @throws CommandFailed, also while its journal needs to be replayed */
  mount(mountPoint: string): Promise<void>;
  /** Unmounts and detaches. May be called again. */
  close(): Promise<void>;
}

/**
 * Attaches a target's disk image so that nothing can write to it.
 *
 * @throws CommandFailed without root's rights; WaitedInVain when the image has no first partition
 */
export async function openTargetDisk(imagePath: string): Promise<OpenTargetDisk> {
  const device = await attachImage(imagePath, 'read-only');
  const mounted: string[] = [];
  const close = async () => {
    for (const mountPoint of mounted.splice(0)) await unmount(mountPoint);
    await detachImage({ device, imagePath });
  };
  try {
    const partitionDevice = await partitionNode(device, 1);
    const mountReadOnly = async (mountPoint: string) => {
      await mount(partitionDevice, mountPoint, ['ro']);
      mounted.push(mountPoint);
    };
    return { device, partitionDevice, mount: mountReadOnly, close };
  } catch (error) {
    await close();
    throw error;
  }
}
