import { runCommand } from '../machine/run-command.js';

export type FileSystemCheck = {
  readonly isClean: boolean;
  /** e2fsck's own; 0 means that it found nothing at all. */
  readonly exitCode: number;
  /** What e2fsck said, for a person to read. */
  readonly output: string;
};

/**
 * Asks e2fsck for a full check that changes nothing.
 *
 * @param partitionDevice an ext4 partition's node, or an image of one; not mounted for writing
 * @throws CommandFailed when e2fsck is missing
 */
export async function checkFileSystem(partitionDevice: string): Promise<FileSystemCheck> {
  const { exitCode, output } = await runCommand('e2fsck', ['-f', '-n', partitionDevice]);
  return { isClean: exitCode === 0, exitCode, output: output.trim() };
}
