import type { Assignment, ComputeDigestsAssignment, ServeExportsAssignment } from '#libs/contracts';
import type { Lifetime } from '../world/lifetime.js';
import type { Random } from '../world/random.js';
import { SECOND } from '../world/simulated-clock.js';
import { AssignmentInHand } from './assignment-in-hand.js';
import { BLOCK_BYTES, groupDigestsOf, rootDigestOf } from './contents.js';
import type { ControlLink } from './control-link.js';
import type { DiskExport, OpenExports } from './open-exports.js';
import { TargetDisk } from './target-disk.js';

export interface RestorerManner {
  /** What starting one nbdkit takes. */
  readonly openMs: readonly [number, number];
  readonly blockMs: readonly [number, number];
  /** How likely a disk cannot be served. */
  readonly exportFailed: number;
  /** How likely a disk cannot be read for the verification. */
  readonly digestsFailed: number;
}

export interface RestorerPorts {
  readonly life: Lifetime;
  readonly random: Random;
  readonly manner: RestorerManner;
  readonly disks: readonly TargetDisk[];
  /** Files in its state folder, by disk: the group digests of the last verification. */
  readonly groupDigests: Map<string, TargetDisk>;
  readonly exports: OpenExports;
  /** This end's clock: right about durations, not about the time of day. */
  readonly now: () => string;
}

/** How often the restorer tells how much its nbdkits have written; the real one does twice a second. */
const TELL_MS = 20 * SECOND;

/** One process of the restorer: serves the disks for one attempt after another, and digests them. */
export class Restorer {
  readonly follower: AssignmentInHand;
  #served: readonly DiskExport[] = [];

  constructor(
    private readonly ports: RestorerPorts,
    private readonly link: () => ControlLink,
  ) {
    this.follower = new AssignmentInHand(ports.life, (assignment, work) => this.#begin(assignment, work));
  }

  /** The nbdkits that serve right now. */
  get served(): readonly DiskExport[] {
    return this.#served.filter((served) => served.isOpen);
  }

  async #begin(assignment: Assignment, work: Lifetime): Promise<void> {
    if (assignment.kind === 'serve-exports') await this.#serve(assignment, work);
    else if (assignment.kind === 'compute-digests') await this.#digest(assignment, work);
  }

  async #serve(assignment: ServeExportsAssignment, work: Lifetime): Promise<void> {
    const { exports, random, manner } = this.ports;
    const { taskId, roundId, assignmentId } = assignment;
    const ofRound = { taskId, roundId, assignmentId };
    this.#served = [];
    const opened: DiskExport[] = [];
    const openedGroups = new Map<string, DiskExport>();
    for (const { diskId, differs } of assignment.disks) {
      await work.sleep(random.integer(...manner.openMs));
      if (random.happens(manner.exportFailed)) {
        for (const served of [...opened, ...openedGroups.values()]) served.die();
        const detail = `simulated: nbdkit for ${diskId} did not start`;
        await work.hear(this.link().report({ kind: 'exports-failed', ...ofRound, code: 'EXPORT_FAILED', detail }));
        return;
      }
      opened.push(exports.serve(this.#diskOf(diskId), work, random));
      const groups = differs === true ? this.ports.groupDigests.get(diskId) : undefined;
      if (groups !== undefined) openedGroups.set(diskId, exports.serve(groups, work, random));
    }
    this.#served = [...opened, ...openedGroups.values()];
    void this.link().report({
      kind: 'exports-opened',
      ...ofRound,
      exports: opened.map(({ disk: { diskId }, port }) => {
        const groups = openedGroups.get(diskId);
        return {
          ...{ diskId, export: { host: '127.0.0.1', port, exportName: diskId } },
          ...(groups === undefined
            ? {}
            : { groupDigests: { host: '127.0.0.1', port: groups.port, exportName: diskId } }),
        };
      }),
    });
    void this.#tell(assignment, opened, work);
    const dead = await work.hear(
      new Promise<string>((resolve) => {
        for (const { disk, life } of this.#served) life.onEnd(() => resolve(disk.diskId));
      }),
    );
    for (const served of [...opened, ...openedGroups.values()]) served.die();
    const detail = `simulated: nbdkit for ${dead} ended`;
    await work.hear(this.link().report({ kind: 'exports-failed', ...ofRound, code: 'EXPORT_FAILED', detail }));
  }

  /** Tells what the nbdkits have written, when that has grown. */
  async #tell(
    { taskId, assignmentId }: ServeExportsAssignment,
    opened: readonly DiskExport[],
    work: Lifetime,
  ): Promise<void> {
    for (let toldBlocks = -1; ;) {
      await work.sleep(TELL_MS);
      const writtenBlocks = opened.reduce((sum, served) => sum + served.writtenBlocks, 0);
      if (writtenBlocks === toldBlocks) continue;
      toldBlocks = writtenBlocks;
      const disks = opened.map(({ disk: { diskId, blocks }, writtenBlocks: written }) => ({
        diskId,
        diskBytes: blocks * BLOCK_BYTES,
        plannedBytes: blocks * BLOCK_BYTES,
        processedBytes: written * BLOCK_BYTES,
        sentBytes: 0,
        acknowledgedBytes: 0,
      }));
      this.link().progress({ taskId, assignmentId, at: this.ports.now(), activity: 'serving', disks });
    }
  }

  async #digest(assignment: ComputeDigestsAssignment, work: Lifetime): Promise<void> {
    const { taskId, assignmentId } = assignment;
    void this.link().report({ kind: 'digests-begun', taskId, assignmentId });
    const disks = [];
    for (const { diskId, sizeBytes } of assignment.disks) {
      const disk = this.#diskOf(diskId);
      const { random, manner } = this.ports;
      await work.sleep(disk.blocks * random.integer(...manner.blockMs));
      if (random.happens(manner.digestsFailed)) {
        const failed = { code: 'INTERNAL_ERROR', detail: `simulated: ${diskId} could not be read` } as const;
        await work.hear(this.link().report({ kind: 'digests-failed', taskId, assignmentId, ...failed }));
        return;
      }
      const contents = disk.contents();
      const groups = groupDigestsOf(contents);
      this.ports.groupDigests.set(diskId, new TargetDisk(diskId, groups.length, groups));
      disks.push({
        diskId,
        diskBytes: sizeBytes,
        digestAlgorithm: assignment.digestAlgorithm,
        digestBlockBytes: BLOCK_BYTES,
        rootDigest: rootDigestOf(contents),
      });
    }
    await work.hear(this.link().report({ kind: 'digests-computed', taskId, assignmentId, disks }));
  }

  #diskOf(diskId: string): TargetDisk {
    return this.ports.disks.find((disk) => disk.diskId === diskId)!;
  }
}
