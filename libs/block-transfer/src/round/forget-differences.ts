import type { ByteRange, NbdExport } from '#libs/contracts';
import { DIGEST_BLOCK_BYTES, DIGEST_BYTES, digestOfBlock } from '../digests/block-digest.js';
import type { DigestJournal } from '../digests/digest-journal.js';
import type { DigestTable } from '../digests/digest-table.js';
import { GROUP_BLOCKS, groupDigestsBytes, groupDigestsOf } from '../digests/group-digests.js';
import { EndpointFailure } from '../endpoint-failure.js';
import { splitExtents } from '../extents/byte-extents.js';
import { NbdConnection, type NbdConnectOptions } from '../nbd/nbd-connection.js';
import type { DataPathSecurity } from '../nbd/nbd-dial.js';
import { UNPACED, type TransferPace } from '../throttle/transfer-pace.js';
import { RUN_BYTES } from './block-plan.js';
import { BlockSet } from './block-set.js';
import { TargetDigests } from './target-digests.js';

const READS_IN_FLIGHT = 4;

export interface ForgetDifferencesOptions {
  /** What the target is thought to hold; mutated. */
  digests: DigestTable;
  /** Left out: nothing is kept (tests). */
  journal?: DigestJournal;
  target: NbdExport;
  /** Serves the group digests of what the target was found to hold. */
  groupDigests: NbdExport;
  /** Left out: only exports on this machine, without TLS. */
  security?: DataPathSecurity;
  /** What is read back counts for the network as what is sent does. Left out: as fast as it goes. */
  pace?: TransferPace;
  signal?: AbortSignal;
  /** Bytes of the groups that are read back. */
  onProgress?: (plannedBytes: number, processedBytes: number) => void;
  timeouts?: Pick<NbdConnectOptions, 'handshakeTimeoutMs' | 'replyTimeoutMs'>;
}

/**
 * Finds the blocks that the target does not hold although the table says so, and forgets them: the round that follows
 * sends them. Only groups whose digests differ are read back, and only what is there decides about a block; entries that
 * are unknown are left to the round as they are.
 *
 * @returns the blocks that were forgotten; durably, with a journal
 * Rejects with an EndpointFailure (`DATA_PATH_*`, `EXPORT_FAILED`, `TARGET_*`), or with the signal's reason.
 */
export async function forgetDifferences(options: ForgetDifferencesOptions): Promise<BlockSet> {
  const { digests, journal } = options;
  const suspected = await suspectedGroups(options);
  const differing = new BlockSet(digests.diskBytes);
  if (suspected.length > 0) await compareGroups(options, suspected, differing);
  await new TargetDigests(digests, journal).forget(differing.indices());
  return differing;
}

async function suspectedGroups(options: ForgetDifferencesOptions): Promise<ByteRange[]> {
  const { digests } = options;
  const ours = await groupDigestsOf(digests);
  const theirs = await readAll(options, groupDigestsBytes(digests.blockCount));
  const suspected: ByteRange[] = [];
  const groupBytes = GROUP_BLOCKS * DIGEST_BLOCK_BYTES;
  for (let at = 0; at < ours.length; at += DIGEST_BYTES) {
    if (Buffer.compare(ours.subarray(at, at + DIGEST_BYTES), theirs.subarray(at, at + DIGEST_BYTES)) === 0) continue;
    const offsetBytes = (at / DIGEST_BYTES) * groupBytes;
    suspected.push({ offsetBytes, lengthBytes: Math.min(groupBytes, digests.diskBytes - offsetBytes) });
  }
  return suspected;
}

async function readAll(options: ForgetDifferencesOptions, expectedBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(expectedBytes);
  await connected(options, options.groupDigests, async ({ info, read }) => {
    if (info.sizeBytes !== expectedBytes) {
      throw new EndpointFailure(
        'EXPORT_FAILED',
        `the group digests have ${info.sizeBytes} bytes, not the ${expectedBytes} of this disk`,
      );
    }
    for (const { offsetBytes, lengthBytes } of splitExtents(
      [{ offsetBytes: 0, lengthBytes: expectedBytes }],
      RUN_BYTES,
    )) {
      await read(offsetBytes, bytes.subarray(offsetBytes, offsetBytes + lengthBytes));
    }
  });
  return bytes;
}

/** Adds to `differing` the known blocks of these ranges that the target does not hold. */
async function compareGroups(
  options: ForgetDifferencesOptions,
  suspected: readonly ByteRange[],
  differing: BlockSet,
): Promise<void> {
  const { digests, onProgress } = options;
  const runs = splitExtents(suspected, RUN_BYTES);
  const plannedBytes = suspected.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  let processedBytes = 0;
  await connected(options, options.target, async ({ info, read }) => {
    if (info.sizeBytes < digests.diskBytes) {
      const detail = `the target disk has ${info.sizeBytes} bytes, not ${digests.diskBytes}`;
      throw new EndpointFailure('TARGET_DISK_MISSING', detail);
    }
    const lane = async (): Promise<void> => {
      const slot = new Uint8Array(RUN_BYTES);
      // One generator for all lanes: each takes the next run.
      for (let next = runs.next(); next.done !== true; next = runs.next()) {
        const { offsetBytes, lengthBytes } = next.value;
        const content = slot.subarray(0, lengthBytes);
        await read(offsetBytes, content);
        for (const index of differingBlocks(digests, content, offsetBytes)) differing.add(index);
        processedBytes += lengthBytes;
        onProgress?.(plannedBytes, processedBytes);
      }
    };
    await Promise.all(Array.from({ length: READS_IN_FLIGHT }, lane));
  });
}

function* differingBlocks(digests: DigestTable, content: Uint8Array, offsetBytes: number): Generator<number> {
  for (let start = 0; start < content.length; start += DIGEST_BLOCK_BYTES) {
    const index = (offsetBytes + start) / DIGEST_BLOCK_BYTES;
    if (!digests.isKnown(index)) continue;
    const block = content.subarray(start, start + DIGEST_BLOCK_BYTES);
    if (!digests.matches(index, digestOfBlock(block, digests.algorithm))) yield index;
  }
}

interface Reader {
  readonly info: NbdConnection['info'];
  readonly read: (offsetBytes: number, target: Uint8Array) => Promise<void>;
}

/** Over a connection of its own, within the pace; a signal that aborts fails what is under way. */
async function connected(
  { security, timeouts, signal, pace = UNPACED }: ForgetDifferencesOptions,
  target: NbdExport,
  work: (reader: Reader) => Promise<void>,
): Promise<void> {
  const connection = await NbdConnection.connect(target, {
    ...security,
    ...timeouts,
    ...(signal === undefined ? {} : { signal }),
  });
  const waiting = signal ?? new AbortController().signal;
  try {
    await work({
      info: connection.info,
      read: (offsetBytes, into) => pace.write(into.length, () => connection.read(offsetBytes, into), waiting),
    });
  } finally {
    await connection.close();
  }
}
