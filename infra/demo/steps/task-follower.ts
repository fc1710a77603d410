import { EventEmitter, once } from 'node:events';
import { followTask } from '../../../apps/cli/src/gateway/follow-task.js';
import type { GatewayClient } from '../../../apps/cli/src/gateway/gateway-client.js';
import type { TaskDocument } from '../../../apps/cli/src/gateway/task-document.js';
import { type WatchedTask, observeMessage, renderWatch } from '../../../apps/cli/src/progress/watched-task.js';
import type { Paint } from '../../../apps/cli/src/terminal/paint.js';
import { WaitedInVain } from '../machine/wait-for.js';

/** The migration stopped by itself. */
export class TaskHalted extends Error {
  override readonly name = 'TaskHalted';
}

/** Follows one task's progress stream in the background, for steps that wait and for a person who watches. */
export class TaskFollower {
  readonly #changes = new EventEmitter();
  readonly #end = new AbortController();
  #watched: WatchedTask | undefined;
  #failure: Error | undefined;

  constructor(gateway: Pick<GatewayClient, 'progress'>, taskId: string) {
    void this.#follow(gateway, taskId);
  }

  /** Lines about what goes on. */
  render(columns: number, paint: Paint): readonly string[] {
    return this.#watched === undefined
      ? []
      : renderWatch(this.#watched, columns, paint, Date.now()).map((line) => `  ${line}`);
  }

  /**
   * Waits until the task is as wished.
   *
   * @param what ends the sentence "waited in vain for ..."
   * @param pick returns undefined while the wish is not fulfilled
   * @throws TaskHalted, WaitedInVain, or what ended the stream
   */
  async until<Found>(
    what: string,
    pick: (document: TaskDocument) => Found | undefined,
    boundMs: number,
    signal: AbortSignal,
  ): Promise<Found> {
    const bound = AbortSignal.timeout(boundMs);
    const end = AbortSignal.any([bound, signal]);
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      const found = this.#look(pick);
      if (found !== undefined) return found;
      if (bound.aborted) throw new WaitedInVain(`waited in vain for ${what} (${boundMs / 1000} s)`);
      await once(this.#changes, 'change', { signal: end }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#end.abort();
  }

  #look<Found>(pick: (document: TaskDocument) => Found | undefined): Found | undefined {
    const document = this.#watched?.document;
    if (document === undefined) return undefined;
    const { halt } = document.task;
    if (halt !== null) throw new TaskHalted(`The migration halted: ${halt.code}: ${halt.detail}\n${halt.remedy}`);
    return pick(document);
  }

  async #follow(gateway: Pick<GatewayClient, 'progress'>, taskId: string): Promise<void> {
    try {
      for await (const message of followTask(gateway, taskId, this.#end.signal)) {
        this.#watched = observeMessage(this.#watched, message);
        this.#changes.emit('change');
      }
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#changes.emit('change');
    }
  }
}
