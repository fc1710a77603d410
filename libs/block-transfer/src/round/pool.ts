/** A fixed set of things that are lent one at a time; who finds none left waits, first come, first served. */
export class Pool<T> {
  private readonly waiting: ((item: T) => void)[] = [];

  constructor(private readonly free: T[]) {}

  async take(): Promise<T> {
    const item = this.free.pop();
    return item ?? new Promise<T>((resolve) => this.waiting.push(resolve));
  }

  give(item: T): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(item);
    else next(item);
  }
}
