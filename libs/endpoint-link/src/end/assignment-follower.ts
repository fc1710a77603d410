import type { Assignment } from '#libs/contracts';

/** An assignment that is work. */
export type WorkAssignment = Exclude<Assignment, { kind: 'idle' }>;

const IDLE: Assignment = { kind: 'idle', assignmentId: 'idle' };

/**
 * Turns level-triggered assignments into work: the same assignment again changes nothing, neither while it is worked
 * on nor when that is over; another one (or idle) ends the work in hand first. Only the newest wish counts.
 */
export class AssignmentFollower {
  readonly #work: (assignment: WorkAssignment, signal: AbortSignal) => Promise<void>;
  readonly #onCrash: (assignment: WorkAssignment, error: unknown) => void;
  #wanted: Assignment = IDLE;
  /** The assignment last begun, also when its work is over; null while abandoned work winds down. */
  #taken: string | null = IDLE.assignmentId;
  #inHand: string | null = null;
  #abort: AbortController | null = null;
  #settling = false;
  #settled: Promise<void> = Promise.resolve();

  /**
   * @param work resolves when the work is over or, soon, when its signal aborts; it reports its failures itself
   * @param onCrash the work rejected, which is a fault of the program
   */
  constructor(
    work: (assignment: WorkAssignment, signal: AbortSignal) => Promise<void>,
    onCrash: (assignment: WorkAssignment, error: unknown) => void,
  ) {
    this.#work = work;
    this.#onCrash = onCrash;
  }

  /** The assignment that is being worked on. */
  get inHand(): string | null {
    return this.#inHand;
  }

  follow(assignment: Assignment): void {
    this.#wanted = assignment;
    if (assignment.assignmentId === this.#taken) return;
    this.#taken = null;
    this.#abort?.abort();
    if (this.#settling) return;
    this.#settling = true;
    this.#settled = this.#settle();
  }

  /** Ends the work in hand and waits for it. */
  async stop(): Promise<void> {
    this.follow(IDLE);
    await this.#settled;
  }

  /** One loop, so that a newer wish that comes while the old work winds down is seen when it has. */
  async #settle(): Promise<void> {
    while (this.#wanted.assignmentId !== this.#taken) {
      const assignment = this.#wanted;
      this.#taken = assignment.assignmentId;
      if (assignment.kind === 'idle') continue;
      const abort = new AbortController();
      this.#abort = abort;
      this.#inHand = assignment.assignmentId;
      try {
        await this.#work(assignment, abort.signal);
      } catch (error) {
        this.#onCrash(assignment, error);
      }
      this.#inHand = null;
      this.#abort = null;
    }
    this.#settling = false;
  }
}
