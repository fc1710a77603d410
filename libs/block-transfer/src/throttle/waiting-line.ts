/** One who waits for a turn. */
export interface Waiter {
  readonly bytes: number;
  readonly admit: () => void;
}

/** Those who wait, in the order in which they came. */
export class WaitingLine<Extra extends object = object> {
  #waiters: (Waiter & Extra)[] = [];

  get length(): number {
    return this.#waiters.length;
  }

  get first(): (Waiter & Extra) | undefined {
    return this.#waiters[0];
  }

  get totalBytes(): number {
    return this.#waiters.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  [Symbol.iterator](): Iterator<Waiter & Extra> {
    return this.#waiters[Symbol.iterator]();
  }

  /**
   * Resolves when it is admitted. Rejects at once, and has left the line, when the signal aborts.
   * @param changed called when somebody has left without a turn: the next one may need less
   */
  async wait(bytes: number, extra: Extra, signal: AbortSignal, changed: () => void): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        changed();
      };
      const admit = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiter = { ...extra, bytes, admit };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Admits those that may, in order, and keeps the others. */
  admitWhere(may: (waiter: Waiter & Extra) => boolean): void {
    const admitted: Waiter[] = [];
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!may(waiter)) return true;
      admitted.push(waiter);
      return false;
    });
    for (const { admit } of admitted) admit();
  }
}
