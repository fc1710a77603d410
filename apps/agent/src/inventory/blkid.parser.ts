import type { ToolOutcome } from './machine-view.js';

/** What the first and last kilobytes of a device say it is. */
export type Signature =
  | {
      readonly kind: 'found';
      /** File system or container (`ext4`, `swap`, `LVM2_member`, `crypto_LUKS`, ...). */
      readonly type: string | null;
      readonly uuid: string | null;
      readonly label: string | null;
      /** `gpt`, `dos`, or another table's name. */
      readonly partitionTable: string | null;
      /** Of a GPT its UUID, of an MBR its signature in hexadecimal. */
      readonly partitionTableId: string | null;
    }
  | { readonly kind: 'nothing' }
  /** Signatures of several file systems: `blkid` refuses to choose, and so do we. */
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'unreadable'; readonly reason: string };

const EXIT_NOTHING_FOUND = 2;
const EXIT_AMBIVALENT = 8;

/** Reads the outcome of `blkid -p -o export DEVICE`. */
export function parseBlkid({ exitCode, stdout, stderr }: ToolOutcome): Signature {
  const complaint = stderr.trim();
  if (exitCode === EXIT_AMBIVALENT) return { kind: 'ambiguous' };
  // The same exit code says "no signature" and "cannot open"; only the latter complains.
  if (exitCode === EXIT_NOTHING_FOUND && complaint === '') return { kind: 'nothing' };
  if (exitCode !== 0) return { kind: 'unreadable', reason: complaint || `blkid ended with ${exitCode}` };

  const tags = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const separator = line.indexOf('=');
    if (separator > 0) tags.set(line.slice(0, separator), line.slice(separator + 1).replace(/\\(.)/g, '$1'));
  }
  const type = tags.get('TYPE') ?? null;
  const partitionTable = tags.get('PTTYPE') ?? null;
  // A partition without a file system still has tags about its entry in the table.
  if (type === null && partitionTable === null) return { kind: 'nothing' };
  return {
    kind: 'found',
    type,
    uuid: tags.get('UUID') ?? null,
    label: tags.get('LABEL') ?? null,
    partitionTable,
    partitionTableId: tags.get('PTUUID') ?? null,
  };
}
