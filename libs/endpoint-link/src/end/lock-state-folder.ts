import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';

/** Another process of this machine works with the folder. */
export class StateFolderInUseError extends Error {
  override readonly name = 'StateFolderInUseError';
}

/**
 * Makes this process the only one that works with a state folder. The lock is a name in the kernel's abstract socket
 * namespace: no file stays behind, and it is gone with the process, however that ends.
 * @returns gives the lock back
 * @throws {@link StateFolderInUseError}
 */
export async function lockStateFolder(folder: string): Promise<() => Promise<void>> {
  const digest = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex');
  const holder = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    holder.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      reject(taken ? new StateFolderInUseError(`Another process already works with ${folder}.`) : error);
    });
    holder.listen(`\0landfall-state-${digest}`, resolve);
  });
  holder.unref();
  return () => new Promise((resolve) => holder.close(() => resolve()));
}
