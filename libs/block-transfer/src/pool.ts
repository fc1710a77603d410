/** A fixed set of things that are lent one at a time; who finds none left waits, first come, first served. */
export class Pool<T> {
  private waiting: ((item: T) => void)[] = [];

  constructor(private readonly free: T[]) {}

  /** @param signal ends the waiting at once, with its reason */
  async take(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const item = this.free.pop();
    if (item !== undefined) return item;
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.waiting = this.waiting.filter((one) => one !== receive);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const receive = (given: T): void => {
        signal?.removeEventListener('abort', leave);
        resolve(given);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.waiting.push(receive);
    });
  }

  give(item: T): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(item);
    else next(item);
  }
}
