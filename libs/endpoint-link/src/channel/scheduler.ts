/** Time as the link sees it; replaced in tests. */
export interface Scheduler {
  /** Milliseconds on a clock that never goes back. */
  nowMs(): number;
  /** Runs the action once after the delay; the result cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

export const systemScheduler: Scheduler = {
  nowMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Waits; ends early, without an error, when the signal aborts. */
export async function pause(scheduler: Scheduler, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = scheduler.after(delayMs, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
