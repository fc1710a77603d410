import { mergeExtents } from '#libs/block-transfer';
import type {
  ByteRange,
  DigestAlgorithm,
  EndpointFailureCode,
  EndpointReport,
  SyncRoundAssignment,
} from '#libs/contracts';
import type { Lifetime } from '../world/lifetime.js';
import type { Path } from '../world/network.js';
import type { Observer } from '../world/observation.js';
import type { Random } from '../world/random.js';
import { SECOND } from '../world/simulated-clock.js';
import type { AgentDisk } from './agent-disk.js';
import { AssignmentInHand } from './assignment-in-hand.js';
import { repairedBlocksOf } from '../../../apps/agent/src/round/repaired-blocks.decision.js';
import { BLOCK_BYTES, type Content, GROUP_BLOCKS, ZEROS, groupDigestsOf, rootDigestOf } from './contents.js';
import type { ControlLink } from './control-link.js';
import { DataLink, DataPathLost } from './data-link.js';
import type { OpenExports } from './open-exports.js';
import { type DiskInMemory, RoundInMemory, isDone } from './round-in-memory.js';
import type { SourceMachine } from './source-machine.js';

export interface AgentManner {
  /** What reading one block takes, with all caps. */
  readonly blockMs: readonly [number, number];
  readonly blocksPerStep: number;
  readonly stepsPerFlush: number;
  /** How likely a disk meets something that ends the round. */
  readonly failure: number;
  /** A defect to be found: the blocks that are done are forgotten from attempt to attempt. */
  readonly forgetsDone: boolean;
  /** A defect to be found: blocks that the target does not hold are found, and not sent. */
  readonly overlooksDifferences: boolean;
}

export interface AgentPorts {
  readonly life: Lifetime;
  readonly random: Random;
  readonly manner: AgentManner;
  readonly disk: AgentDisk;
  readonly source: SourceMachine;
  readonly dataPath: Path;
  readonly exports: OpenExports;
  readonly observe: Observer;
}

/** The round failed for a reason that an agent can tell. */
class EndpointFault extends Error {
  constructor(readonly code: EndpointFailureCode) {
    super(`simulated: ${code}`);
  }
}

/** What may pass of itself, and what may not. */
const FAILURES: readonly EndpointFailureCode[] = [
  'USED_BLOCKS_UNKNOWN',
  'USED_BLOCKS_UNKNOWN',
  'SOURCE_READ_FAILED',
  'TARGET_WRITE_FAILED',
];

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8 * SECOND;

/** A block that was sent and is not known to be durable yet. */
interface Sent {
  readonly block: number;
  readonly content: Content;
}

/** One process of the agent: works on rounds, attempt after attempt. */
export class Agent {
  readonly follower: AssignmentInHand;
  #memory: RoundInMemory | null = null;
  /** Ranges that wait until the report before them was answered. */
  readonly #unreported = new Map<string, number[]>();
  #isReportingRanges = false;

  constructor(
    private readonly ports: AgentPorts,
    private readonly link: () => ControlLink,
  ) {
    this.follower = new AssignmentInHand(ports.life, async (assignment, work) => {
      if (assignment.kind === 'sync-round') await this.#syncRound(assignment, work);
    });
  }

  async #syncRound(assignment: SyncRoundAssignment, work: Lifetime): Promise<void> {
    const { roundId } = assignment;
    const outcome = this.#earlierOutcome(assignment) ?? (await work.hear(this.#attempt(assignment, work)));
    // The note comes first, so that a process which dies now lets its successor repeat the outcome.
    if (outcome.kind !== 'link-lost') this.ports.disk.round = { state: 'ended', roundId, outcome };
    await work.hear(this.link().report(outcome));
  }

  /** The end of a round that was worked on before, by this process or one that is gone. */
  #earlierOutcome(assignment: SyncRoundAssignment): EndpointReport | null {
    const { taskId, roundId, assignmentId } = assignment;
    const { round } = this.ports.disk;
    if (round?.roundId !== roundId) return null;
    if (round.state === 'ended') return round.outcome;
    if (this.#memory?.roundId === roundId) return null;
    const detail = 'The agent had begun this round and was interrupted.';
    return { kind: 'round-failed', taskId, roundId, assignmentId, code: 'ENDPOINT_RESTARTED', detail };
  }

  async #attempt(assignment: SyncRoundAssignment, work: Lifetime): Promise<EndpointReport> {
    const { taskId, roundId, assignmentId, digestAlgorithm } = assignment;
    const ofRound = { taskId, roundId, assignmentId };
    try {
      const memory = await work.hear(this.#recall(assignment));
      let isEstablished = false;
      for (const disk of memory.disks) {
        if (isDone(disk)) continue;
        const link = await work.hear(this.#reach(assignment, disk, work, isEstablished));
        if (!isEstablished) this.#establish(assignment, memory);
        isEstablished = true;
        await work.hear(this.#forgetDifferences(assignment, disk, link, work));
        await work.hear(this.#syncDisk(assignment, disk, link, work));
        link.close();
      }
      return {
        kind: 'round-completed',
        ...ofRound,
        disks: memory.disks.map((disk) => resultOf(disk, memory, digestAlgorithm)),
      };
    } catch (error) {
      if (error instanceof DataPathLost) return { kind: 'link-lost', ...ofRound, detail: error.message, silentMs: 0 };
      if (!(error instanceof EndpointFault)) throw error;
      return { kind: 'round-failed', ...ofRound, code: error.code, detail: error.message };
    }
  }

  /** What this process knows of the round, or a new beginning. */
  async #recall(assignment: SyncRoundAssignment): Promise<RoundInMemory> {
    const { disk, life, manner } = this.ports;
    const { roundId, roundKind, resend } = assignment;
    if (this.#memory?.roundId !== roundId) {
      this.#memory = new RoundInMemory(assignment, disk, life);
      disk.round = { state: 'running', roundId };
      // Of all disks at once: a round that fails in its first one must not leave the others to be compared.
      if (resend) await this.#memory.forgetAll();
    } else if (roundKind === 'final' || manner.forgetsDone) {
      // The file systems went on between the attempts: a final round belongs to one moment.
      this.#memory.beginAgain();
    }
    return this.#memory;
  }

  /** Later attempts try for as long as they are let; the first one says when it cannot. */
  async #reach(
    { attempt, disks }: SyncRoundAssignment,
    { diskId }: DiskInMemory,
    work: Lifetime,
    isEstablished: boolean,
  ): Promise<DataLink> {
    const { dataPath, exports, random } = this.ports;
    const { port } = disks.find((disk) => disk.diskId === diskId)!.export;
    const isPatient = attempt > 1 && !isEstablished;
    for (let backoff = FIRST_RETRY_MS; ; backoff = Math.min(2 * backoff, LAST_RETRY_MS)) {
      try {
        return await work.hear(DataLink.open(dataPath, exports, port, work));
      } catch (error) {
        if (!isPatient) throw error;
        await work.sleep(Math.round(backoff * (0.5 + random.fraction() / 2)));
      }
    }
  }

  #establish(assignment: SyncRoundAssignment, { comparison }: RoundInMemory): void {
    const { taskId, roundId, roundKind, assignmentId } = assignment;
    this.ports.observe({ kind: 'link-established', roundId, assignmentId });
    if (roundKind === 'final') this.ports.observe({ kind: 'final-read-begun', roundId });
    void this.link().report({ kind: 'link-established', taskId, roundId, assignmentId, comparison });
  }

  /** Of a disk that is to be repaired: reads back the groups that differ, and forgets what the target does not hold. */
  async #forgetDifferences(
    { disks }: SyncRoundAssignment,
    { diskId, blocks, table, differences }: DiskInMemory,
    link: DataLink,
    work: Lifetime,
  ): Promise<void> {
    const { groupDigests } = disks.find((disk) => disk.diskId === diskId)!;
    if (groupDigests === undefined) return;
    const { dataPath, exports, manner } = this.ports;
    const groups = await work.hear(DataLink.open(dataPath, exports, groupDigests.port, work));
    const differing: number[] = [];
    for (const [group, digest] of groupDigestsOf(table.contents()).entries()) {
      if ((await work.hear(groups.read(group))) === digest) continue;
      for (let block = group * GROUP_BLOCKS; block < Math.min(blocks, (group + 1) * GROUP_BLOCKS); block += 1) {
        if (!table.isKnown(block)) continue;
        if (!table.matches(block, await work.hear(link.read(block)))) differing.push(block);
      }
    }
    groups.close();
    if (!manner.overlooksDifferences) await work.hear(table.forget(differing));
    for (const block of differing) differences.add(block);
  }

  async #syncDisk(assignment: SyncRoundAssignment, disk: DiskInMemory, link: DataLink, work: Lifetime): Promise<void> {
    const { random, manner, source } = this.ports;
    const { diskId, table, done } = disk;
    await work.sleep(random.integer(...manner.blockMs));
    if (random.happens(manner.failure)) throw new EndpointFault(random.pick(FAILURES));
    const used = source.diskOf(diskId).used.slice();
    const left = [...done.keys()].filter((block) => done[block] === 0);
    let answers: Promise<void>[] = [];
    let sent: Sent[] = [];
    for (let step = 1; left.length > 0; step += 1) {
      const blocks = left.splice(0, manner.blocksPerStep);
      await work.sleep(blocks.length * random.integer(...manner.blockMs));
      const read = blocks.map((block) => ({ block, content: this.#read(diskId, used, block) }));
      const differing = read.filter(({ block, content }) => !table.matches(block, content));
      for (const { block } of read) if (!differing.some((one) => one.block === block)) done[block] = 1;
      await work.hear(table.forget(differing.map(({ block }) => block)));
      answers.push(...differing.map((one) => this.#send(assignment, disk, link, one)));
      sent.push(...differing);
      if (step % manner.stepsPerFlush !== 0 && left.length > 0) continue;
      await work.hear(Promise.all(answers));
      await work.hear(link.request({ kind: 'flush' }));
      this.#acknowledge(assignment, disk, sent);
      [answers, sent] = [[], []];
    }
  }

  #read(diskId: string, used: Uint8Array, block: number): Content {
    return used[block] === 1 ? this.ports.source.diskOf(diskId).contents[block]! : ZEROS;
  }

  #send(assignment: SyncRoundAssignment, disk: DiskInMemory, link: DataLink, { block, content }: Sent): Promise<void> {
    const { roundId, roundKind, attempt } = assignment;
    const { diskId } = disk;
    const { taskId } = assignment;
    this.ports.observe({ kind: 'block-sent', taskId, roundId, roundKind, attempt, diskId, block, content });
    disk.sentBlocks += 1;
    const answer = link.request({ kind: 'write', block, content });
    answer.catch(() => undefined); // whoever waits sees it
    return answer;
  }

  #acknowledge(assignment: SyncRoundAssignment, { diskId, table, done }: DiskInMemory, sent: readonly Sent[]): void {
    const { taskId, roundId, roundKind, attempt } = assignment;
    table.learn(sent);
    for (const { block, content } of sent) {
      done[block] = 1;
      this.ports.observe({ kind: 'block-acknowledged', taskId, roundId, roundKind, attempt, diskId, block, content });
    }
    if (sent.length === 0) return;
    this.#unreported.set(diskId, [...(this.#unreported.get(diskId) ?? []), ...sent.map(({ block }) => block)]);
    void this.#reportRanges(assignment);
  }

  /** At most one such report is under way; what comes meanwhile is joined. */
  async #reportRanges({ taskId, roundId, assignmentId }: SyncRoundAssignment): Promise<void> {
    if (this.#isReportingRanges) return;
    this.#isReportingRanges = true;
    for (;;) {
      const [next] = this.#unreported;
      if (next === undefined) break;
      const [diskId, blocks] = next;
      this.#unreported.delete(diskId);
      const ranges = blocks.map(rangeOf);
      await this.link().report({ kind: 'ranges-acknowledged', taskId, roundId, assignmentId, diskId, ranges });
    }
    this.#isReportingRanges = false;
  }
}

const rangeOf = (block: number): ByteRange => ({ offsetBytes: block * BLOCK_BYTES, lengthBytes: BLOCK_BYTES });

const resultOf = (
  { diskId, blocks, table, sentBlocks, differences }: DiskInMemory,
  { baseline }: RoundInMemory,
  digestAlgorithm: DigestAlgorithm,
): Extract<EndpointReport, { kind: 'round-completed' }>['disks'][number] => {
  const contents = table.contents();
  return {
    diskId,
    diskBytes: blocks * BLOCK_BYTES,
    usedBytes: contents.reduce((sum, content) => sum + (content === ZEROS ? 0 : BLOCK_BYTES), 0),
    readBytes: blocks * BLOCK_BYTES,
    sentBytes: sentBlocks * BLOCK_BYTES,
    zeroedBytes: 0,
    durationMs: 0,
    baseline,
    ...(differences.size === 0 ? {} : { repaired: repairedBlocksOf(mergeExtents([...differences].map(rangeOf))) }),
    digestAlgorithm,
    digestBlockBytes: BLOCK_BYTES,
    rootDigest: rootDigestOf(contents),
  };
};
