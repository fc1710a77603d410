import type { EndpointProgress } from '#libs/contracts';
import type { Scheduler } from '#libs/endpoint-link';
import type { RoundDisk } from './disk-choice.decision.js';

export const PROGRESS_INTERVAL_MS = 500;

/** Where one disk stands; `onProgress` of the data plane has the same shape. */
export interface DiskStanding {
  readonly activity: EndpointProgress['activity'];
  readonly plannedBytes: number;
  readonly processedBytes: number;
  readonly sentBytes: number;
  readonly acknowledgedBytes: number;
}

type DiskProgress = EndpointProgress['disks'][number];

/** Gathers where all disks of a round stand, and tells it twice a second while the round runs. */
export class RoundProgress {
  readonly #disks: Map<string, DiskProgress>;
  readonly #ofTask: { readonly taskId: string; readonly assignmentId: string };
  #activity: EndpointProgress['activity'] = 'mapping';

  constructor(ofTask: { readonly taskId: string; readonly assignmentId: string }, disks: readonly RoundDisk[]) {
    this.#ofTask = { taskId: ofTask.taskId, assignmentId: ofTask.assignmentId };
    this.#disks = new Map(
      disks.map(({ assigned: { diskId, sizeBytes } }) => [
        diskId,
        { diskId, diskBytes: sizeBytes, plannedBytes: 0, processedBytes: 0, sentBytes: 0, acknowledgedBytes: 0 },
      ]),
    );
  }

  update(diskId: string, standing: DiskStanding): void {
    const disk = this.#disks.get(diskId);
    if (disk === undefined) return;
    const { activity, plannedBytes, processedBytes, sentBytes, acknowledgedBytes } = standing;
    this.#activity = activity;
    this.#disks.set(diskId, { ...disk, plannedBytes, processedBytes, sentBytes, acknowledgedBytes });
  }

  beginMapping(): void {
    this.#activity = 'mapping';
  }

  at(now: Date): EndpointProgress {
    return { ...this.#ofTask, at: now.toISOString(), activity: this.#activity, disks: [...this.#disks.values()] };
  }

  /** @returns ends the telling, with a last word */
  tellEvery(
    intervalMs: number,
    ports: { readonly scheduler: Scheduler; readonly now: () => Date },
    tell: (progress: EndpointProgress) => void,
  ): () => void {
    const tellNow = (): void => {
      tell(this.at(ports.now()));
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
