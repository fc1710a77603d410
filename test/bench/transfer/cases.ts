import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DIGEST_BLOCK_BYTES, totalBytes, usedBlocksOf, type DigestTable } from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import type { MeasuredCopy } from './measured-copy.js';
import * as peers from './peers.js';
import { algorithmOf, type Around, type Link, type Scene, type Work } from './scene.js';
import type { SenderReport } from './sender.order.js';
import { runSeries, type Contestant, type Result } from './series.js';
import { diskOf, fullDisk, halfUsedDisk, MIB, writeRandom, type SourceImage } from './source-disks.js';
import { tool } from './tool.js';
import { BASIC_VARIANT, VARIANTS } from './variants.js';

/** One table of the report. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  /** What is copied and compared, in a sentence or two. */
  readonly text: string;
  /** What rates are taken of. */
  readonly usefulBytes: number;
  readonly results: readonly Result[];
}

/** The agent's default cap: 300 Mbps (R25). */
export const CAP_BYTES_PER_SECOND = 37_500_000;
const WAN: Link = { delayMs: 25, bytesPerSecond: CAP_BYTES_PER_SECOND };
/** At the cap a good ten seconds, so that the handshakes of the beginning do not hide the rate. */
const WAN_BYTES = 384 * MIB;
const WAN_TURNS = 3;
const GENERATION = 'benchmark';
/** One block in so many is dirty in the case of an increment. */
const DIRTY_ONE_IN = 100;

const WHOLE: Work = { used: 'all', tableFile: null, dirty: null, capBytesPerSecond: null };

export async function fullCopyCase(scene: Scene, turns: number): Promise<CaseResult> {
  return withDisk(await fullDisk(scene.folder, scene.target.sizeBytes), async (source) => {
    const around = overwriting(scene, source);
    const contestants: Contestant[] = [
      ...scene.peer(peers.nbdcopy, source, around),
      ...scene.peer(peers.nbdcopyFlush, source, around),
      ...scene.peer(peers.nbdcopyTls, source, around),
      ...scene.peer(peers.nbdcopyTlsSameServer, source, around),
      ...VARIANTS.map((variant) => scene.ours(variant, source, WHOLE, around)),
      ...scene.peer(peers.qemuImg, source, around),
      ...scene.peer(peers.rsyncWhole, source, around),
      ...scene.peer(peers.ddNetcat, source, around),
    ];
    return {
      id: 'A',
      title: 'Full copy of the same bytes',
      text: 'Every byte of the disk is used and random, so everybody sends everything.',
      usefulBytes: source.disk.sizeBytes,
      results: await runSeries(contestants, turns, scene.tell),
    };
  });
}

export async function halfUsedCase(scene: Scene, turns: number): Promise<CaseResult> {
  return withDisk(await halfUsedDisk(scene.folder, scene.target.sizeBytes), async (source) => {
    const used = await usedBlocksOf(source.disk);
    const around: Around = {
      prepare: async () => {
        await scene.target.refill(scene.target.besides(used.extents));
        await scene.target.spoilEveryBlock();
        await source.forgetPages();
      },
      check: () => scene.target.expectSame(source.path, used.extents),
    };
    const work: Work = { ...WHOLE, used: 'discover' };
    const contestants: Contestant[] = [
      ...scene.peer(peers.nbdcopy, source, around),
      ...scene.peer(peers.nbdcopyTls, source, around),
      ...VARIANTS.map((variant) => scene.ours(variant, source, work, around)),
    ];
    const share = Math.round((100 * used.usedBytes) / used.diskBytes);
    return {
      id: 'B',
      title: 'Disk half used, the rest dirty',
      text: `An ext4 uses ${share} % of the disk; the rest holds leftovers. Finding out what is used is part of the time.`,
      usefulBytes: used.usedBytes,
      results: await runSeries(contestants, turns, scene.tell),
    };
  });
}

export async function incrementCase(scene: Scene, turns: number): Promise<CaseResult> {
  return withDisk(await fullDisk(scene.folder, scene.target.sizeBytes), async (source) => {
    const dirty = scatteredBlocks(source.disk.sizeBytes);
    const garbage = Buffer.alloc(DIGEST_BLOCK_BYTES, 'what the target held before ');
    await scene.target.becomes(source.path);
    await scene.target.spoil(dirty, garbage);
    const [kept, tableFile] = [join(scene.folder, 'kept.table'), join(scene.folder, 'round.table')];
    const before = await scene.target.storeTable(kept, GENERATION, algorithmOf(BASIC_VARIANT));
    const around: Around = {
      prepare: async () => {
        await scene.target.spoil(dirty, garbage);
        await rm(`${tableFile}.journal`, { force: true });
        await copyFile(kept, tableFile);
        await source.forgetPages();
      },
      check: () => scene.target.expectSame(source.path, scene.target.everything()),
    };
    const verified = { ...around, verify: restorersWord(scene, before, dirty) };
    const rescan: Work = { ...WHOLE, tableFile };
    const tracked = { ...BASIC_VARIANT, name: `${BASIC_VARIANT.name}, tracked and verified` };
    const untracked = { ...BASIC_VARIANT, name: `${BASIC_VARIANT.name}, rescan` };
    const contestants: Contestant[] = [
      ...scene.peer(peers.rsyncDelta, source, around),
      scene.ours(tracked, source, { ...rescan, dirty }, verified),
      scene.ours(untracked, source, rescan, around),
      ...scene.peer(peers.nbdcopyFlush, source, around),
    ];
    return {
      id: 'C',
      title: 'Increment of 1 % in scattered blocks of 64 KiB',
      text:
        `${dirty.length} blocks differ. With tracking, the list of dirty blocks is given, and the time includes the ` +
        'FLUSH and the verification at the target: the dirty blocks digested there, and the root of the whole tree.',
      usefulBytes: totalBytes(dirty),
      results: await runSeries(contestants, turns, scene.tell),
    };
  });
}

export async function wideAreaCase(scene: Scene): Promise<CaseResult> {
  const sizeBytes = Math.min(WAN_BYTES, scene.target.sizeBytes);
  return withDisk(await fullDisk(scene.folder, sizeBytes), async (source) => {
    const around = overwriting(scene, source);
    const contestants: Contestant[] = [
      scene.ours(BASIC_VARIANT, source, WHOLE, around, WAN),
      ...scene.peer(peers.nbdcopy, source, around, WAN),
      ...scene.peer(peers.rsyncWhole, source, around, WAN),
    ];
    return {
      id: 'D',
      title: 'Wide area network: 50 ms round trip, 300 Mbps',
      text: 'Through a proxy that delays and paces. Bytes on the wire are those of both sides of the proxy.',
      usefulBytes: sizeBytes,
      results: await runSeries(contestants, WAN_TURNS, scene.tell),
    };
  });
}

export async function cappedCase(scene: Scene): Promise<CaseResult> {
  return withDisk(await fullDisk(scene.folder, scene.target.sizeBytes), async (source) => {
    const around = overwriting(scene, source);
    await around.prepare();
    const capped: Work = { ...WHOLE, capBytesPerSecond: CAP_BYTES_PER_SECOND };
    const contestant = scene.ours(BASIC_VARIANT, source, capped, around);
    scene.tell(`about ${(source.disk.sizeBytes / CAP_BYTES_PER_SECOND).toFixed(0)} s at the cap`);
    const copy = await contestant.copy();
    await contestant.check();
    return {
      id: 'E',
      title: 'At the default cap of 37.5 MB/s',
      text: "One run. The pace is that of the agent's own throttle, over the network alone.",
      usefulBytes: source.disk.sizeBytes,
      results: [{ name: contestant.name, copies: [copy] }],
    };
  });
}

/** As many disks as a platform lets a machine have. */
export const MANY_DISKS = 64;

export async function manyDisksCase(scene: Scene): Promise<CaseResult> {
  const lengthBytes = Math.floor(scene.target.sizeBytes / MANY_DISKS / DIGEST_BLOCK_BYTES) * DIGEST_BLOCK_BYTES;
  const [targets, state] = [join(scene.folder, 'targets'), join(scene.folder, 'state')];
  await Promise.all([targets, state].map((folder) => mkdir(folder)));
  const whole = await fullDisk(scene.folder, scene.target.sizeBytes);
  const disks: SourceImage[] = [];
  try {
    for (let index = 0; index < MANY_DISKS; index += 1) {
      const diskId = `disk-${index}`;
      await writeRandom(join(targets, diskId), lengthBytes);
      disks.push(await diskOf(whole.path, diskId, { offsetBytes: index * lengthBytes, lengthBytes }));
    }
    const copy = await scene.machine(
      disks.map(({ disk }) => disk),
      targets,
      state,
    );
    for (const { disk } of disks) await tool('cmp', disk.device, join(targets, disk.diskId));
    return {
      id: 'F',
      title: `${MANY_DISKS} disks of one machine`,
      text: 'One full round of an agent, with change tracking and digest tables, without a channel to its server. One server for all targets, where a restorer has one for each.',
      usefulBytes: MANY_DISKS * lengthBytes,
      results: [{ name: `landfall, ${MANY_DISKS} disks`, copies: [copy] }],
    };
  } finally {
    for (const disk of [...disks, whole]) await disk.dispose();
  }
}

export function reportOf(copy: MeasuredCopy): SenderReport {
  return JSON.parse(copy.stdout) as SenderReport;
}

function overwriting(scene: Scene, source: SourceImage): Around {
  return {
    prepare: async () => {
      await scene.target.spoilEveryBlock();
      await source.forgetPages();
    },
    check: () => scene.target.expectSame(source.path, [{ offsetBytes: 0, lengthBytes: source.disk.sizeBytes }]),
  };
}

/**
 * What a restorer does about a round: it digests the blocks that the round changed, as they are on its disk, and
 * compares the root of the tree with the agent's.
 */
function restorersWord(scene: Scene, before: DigestTable, dirty: readonly ByteRange[]): NonNullable<Around['verify']> {
  return async (copy) => {
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    const root = await (await scene.target.digestAnew(before, dirty)).rootDigest();
    const { user, system } = process.cpuUsage(cpu);
    const wallMs = performance.now() - startedMs;
    if (root !== reportOf(copy).rootDigest) throw new Error('the digests of source and target differ');
    return { wallMs, cpuSeconds: (user + system) / 1e6 };
  };
}

/** One block of every hundred, at a place of its own; the same ones in every run. */
function scatteredBlocks(diskBytes: number): ByteRange[] {
  const stride = DIRTY_ONE_IN * DIGEST_BLOCK_BYTES;
  const dirty: ByteRange[] = [];
  for (let start = 0, number = 0; start + stride <= diskBytes; start += stride, number += 1) {
    const place = (number * 37) % (DIRTY_ONE_IN - 1);
    dirty.push({ offsetBytes: start + place * DIGEST_BLOCK_BYTES, lengthBytes: DIGEST_BLOCK_BYTES });
  }
  return dirty;
}

async function withDisk<T>(source: SourceImage, work: (source: SourceImage) => Promise<T>): Promise<T> {
  try {
    return await work(source);
  } finally {
    await source.dispose();
  }
}
