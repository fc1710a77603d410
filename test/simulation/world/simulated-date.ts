import type { SimulatedClock } from './simulated-clock.js';

/**
 * Policies and controllers read the clock at their edge, with `new Date()`. While `work` runs, that is the simulated
 * clock; the real one comes back afterwards.
 */
export const underSimulatedDate = async <T>(clock: SimulatedClock, work: () => Promise<T>): Promise<T> => {
  const RealDate = globalThis.Date;
  class SimulatedDate extends RealDate {
    constructor(...moment: [] | [number | string]) {
      super(moment[0] ?? clock.nowMs);
    }

    static override now(): number {
      return clock.nowMs;
    }
  }
  globalThis.Date = SimulatedDate as DateConstructor;
  try {
    return await work();
  } finally {
    globalThis.Date = RealDate;
  }
};
