import { setImmediate as nextTurn } from 'node:timers/promises';

/** So long may a computation keep everything else waiting: heartbeats of the control channel come every few seconds. */
const LONGEST_TURN_MS = 10;

/** Lets the rest of the process go on in the middle of a computation that takes seconds. */
export class EventLoopTurns {
  private turnBeganMs = performance.now();

  /** To be called every millisecond or so. */
  async giveWay(): Promise<void> {
    if (performance.now() - this.turnBeganMs < LONGEST_TURN_MS) return;
    await nextTurn();
    this.turnBeganMs = performance.now();
  }
}
