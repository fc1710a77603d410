import { estimateRound, type PaceFigures, type RoundStanding } from '#libs/block-transfer';
import type { EndpointProgress, SyncRoundAssignment } from '#libs/contracts';
import type { Scheduler } from '#libs/endpoint-link';
import type { OfAttempt } from './of-attempt.js';

export const PROGRESS_INTERVAL_MS = 500;

type Activity = EndpointProgress['activity'];

/** Where one disk stands in one attempt; `onProgress` of the data plane has the same shape. */
export interface DiskStanding {
  readonly activity: Activity;
  readonly plannedBytes: number;
  readonly processedBytes: number;
  /** In this attempt, as is `acknowledgedBytes`. */
  readonly sentBytes: number;
  readonly acknowledgedBytes: number;
}

type DiskProgress = EndpointProgress['disks'][number];

/** Of several disks at work, the one furthest to the left says what the round does. */
const TELLING: readonly Activity[] = ['transferring', 'rescanning', 'mapping', 'flushing'];

/**
 * Where all disks of a round stand, over all its attempts: a lost link or a pause takes nothing back. Told twice a
 * second while an attempt runs.
 */
export class RoundProgress {
  readonly #disks: Map<string, DiskProgress>;
  /** As it was when the attempt began. */
  #earlier: ReadonlyMap<string, DiskProgress> = new Map();
  /** What is done on the disks that are at work. */
  readonly #atWork = new Map<string, Activity>();
  /** Disks whose used blocks are known. */
  readonly #planned = new Set<string>();
  #activity: Activity = 'waiting-for-link';

  constructor(disks: SyncRoundAssignment['disks']) {
    const nothing = { plannedBytes: 0, processedBytes: 0, sentBytes: 0, acknowledgedBytes: 0 };
    this.#disks = new Map(disks.map(({ diskId, sizeBytes }) => [diskId, { diskId, diskBytes: sizeBytes, ...nothing }]));
  }

  /** @param readsAgain what earlier attempts went through has to be gone through again */
  beginAttempt(readsAgain: boolean): void {
    this.#activity = 'waiting-for-link';
    this.#atWork.clear();
    if (readsAgain) for (const [diskId, disk] of this.#disks) this.#disks.set(diskId, { ...disk, processedBytes: 0 });
    this.#earlier = new Map(this.#disks);
  }

  /** The attempt goes over its disks once more. */
  beginPass(): void {
    this.#earlier = new Map(this.#disks);
  }

  update(diskId: string, standing: DiskStanding): void {
    const disk = this.#disks.get(diskId);
    if (disk === undefined) return;
    const { activity, plannedBytes } = standing;
    const earlier = this.#earlier.get(diskId);
    // An attempt comes past what is done bit by bit.
    const processedBytes = Math.min(plannedBytes, Math.max(standing.processedBytes, earlier?.processedBytes ?? 0));
    const sentBytes = (earlier?.sentBytes ?? 0) + standing.sentBytes;
    const acknowledgedBytes = (earlier?.acknowledgedBytes ?? 0) + standing.acknowledgedBytes;
    this.enter(diskId, activity);
    this.#planned.add(diskId);
    this.#disks.set(diskId, { ...disk, plannedBytes, processedBytes, sentBytes, acknowledgedBytes });
  }

  enter(diskId: string, activity: Activity): void {
    this.#atWork.set(diskId, activity);
    this.#decideActivity();
  }

  /** The disk is done. */
  leave(diskId: string): void {
    this.#atWork.delete(diskId);
    this.#decideActivity();
  }

  /** With nothing at work it stays what it was. */
  #decideActivity(): void {
    const activities = new Set(this.#atWork.values());
    this.#activity = TELLING.find((activity) => activities.has(activity)) ?? this.#activity;
  }

  at(now: Date, { taskId, assignmentId }: Omit<OfAttempt, 'roundId'>, figures: PaceFigures): EndpointProgress {
    const disks = [...this.#disks.values()];
    const pace = estimateRound(this.#standing(disks), figures);
    return { taskId, assignmentId, at: now.toISOString(), activity: this.#activity, disks, pace };
  }

  /** Of a disk that was not looked at yet, everything may have to be gone through. */
  #standing(disks: readonly DiskProgress[]): RoundStanding {
    const sum = (of: (disk: DiskProgress) => number): number => disks.reduce((total, disk) => total + of(disk), 0);
    return {
      plannedBytes: sum((disk) => (this.#planned.has(disk.diskId) ? disk.plannedBytes : disk.diskBytes)),
      processedBytes: sum((disk) => disk.processedBytes),
      sentBytes: sum((disk) => disk.sentBytes),
    };
  }

  /** What the next attempt need not do again, for people. */
  kept(): string {
    const all = [...this.#disks.values()];
    const sum = (of: (disk: DiskProgress) => number): number => all.reduce((total, disk) => total + of(disk), 0);
    return `Kept: ${sum((disk) => disk.acknowledgedBytes)} of ${sum((disk) => disk.sentBytes)} bytes sent are on the target.`;
  }

  /** @returns ends the telling, with a last word */
  tellEvery(
    intervalMs: number,
    ofAttempt: OfAttempt,
    ports: {
      readonly scheduler: Scheduler;
      readonly now: () => Date;
      readonly pace: { readonly figures: PaceFigures };
      readonly progress: (progress: EndpointProgress) => void;
    },
  ): () => void {
    const tellNow = (): void => {
      ports.progress(this.at(ports.now(), ofAttempt, ports.pace.figures));
    };
    let cancel = (): void => undefined;
    const beat = (): void => {
      tellNow();
      cancel = ports.scheduler.after(intervalMs, beat);
    };
    beat();
    return () => {
      cancel();
      tellNow();
    };
  }
}
