import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ByteRange } from '#libs/contracts';

const MIB = 1024 * 1024;

/** Writes random bytes over ranges of a file, which is created when it is missing. */
export async function fillWithGarbage(path: string, ranges: readonly ByteRange[]): Promise<void> {
  const file = await open(path, 'a+').then(async (created) => {
    await created.close();
    return open(path, 'r+');
  });
  for (const { offsetBytes, lengthBytes } of ranges) {
    for (let done = 0; done < lengthBytes; done += MIB) {
      const bytes = randomBytes(Math.min(MIB, lengthBytes - done));
      await file.write(bytes, 0, bytes.length, offsetBytes + done);
    }
  }
  await file.close();
}
