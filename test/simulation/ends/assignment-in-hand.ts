import type { Assignment } from '#libs/contracts';
import type { Lifetime } from '../world/lifetime.js';

/**
 * Turns level-triggered assignments into work: the same assignment again changes nothing, neither while it is worked
 * on nor when that is over; another one (or idle) ends the work in hand first.
 */
export class AssignmentInHand {
  #taken = 'idle';
  #inHand: string | null = null;
  #work: Lifetime | null = null;

  constructor(
    private readonly life: Lifetime,
    private readonly begin: (assignment: Assignment, work: Lifetime) => Promise<void>,
  ) {}

  get assignmentId(): string | null {
    return this.#inHand;
  }

  follow(assignment: Assignment): void {
    const { assignmentId } = assignment;
    if (assignmentId === this.#taken) return;
    this.#taken = assignmentId;
    this.#work?.end();
    this.#work = null;
    this.#inHand = null;
    if (assignment.kind === 'idle') return;
    const work = this.life.part();
    this.#work = work;
    this.#inHand = assignmentId;
    void work.hear(this.begin(assignment, work)).then(() => {
      this.#inHand = null;
      work.end();
    });
  }
}
