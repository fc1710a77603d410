/** Far more than are worked on at a time. */
const MAX_TASKS = 10_000;

/** Keeps one value for each task; the task whose value was not renewed for longest is forgotten when there are too many. */
export class NewestPerTask<Value> {
  readonly #values = new Map<string, Value>();

  constructor(private readonly maxTasks = MAX_TASKS) {}

  get(taskId: string): Value | null {
    return this.#values.get(taskId) ?? null;
  }

  set(taskId: string, value: Value): void {
    this.#values.delete(taskId); // so that it counts as renewed
    this.#values.set(taskId, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.maxTasks && oldest !== undefined) this.#values.delete(oldest);
  }
}
