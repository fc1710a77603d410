import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import {
  EMPTY,
  Observable,
  catchError,
  defer,
  exhaustMap,
  filter,
  finalize,
  map,
  merge,
  retry,
  share,
  timer,
} from 'rxjs';
import { type EndpointProgress, endpointProgress, progressSubject } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { MigrationTaskReader } from '../migration-tasks/migration-task-reader.js';
import type { TaskDocument } from '../migration-tasks/task-document.js';
import { newsOf } from '../service-bus/news.js';

const LOOK_EVERY_MS = 1_000;
const LISTEN_AGAIN_MS = 1_000;

/** Something seen of a task. A document comes with every look, also when nothing changed. */
export type TaskNews =
  | { readonly kind: 'document'; readonly document: TaskDocument; readonly fingerprint: string }
  | { readonly kind: 'progress'; readonly progress: EndpointProgress };

/** Equal for equal documents. */
export const fingerprintOf = (document: TaskDocument): string => JSON.stringify(document);

/**
 * Watches tasks while somebody listens: however many listen to a task, it is looked at once a second, and its
 * telemetry is subscribed to once.
 */
@Injectable()
export class TaskWatches {
  readonly #log = new Logger('TaskWatches');
  readonly #watches = new Map<string, Observable<TaskNews>>();

  constructor(
    private readonly bus: ServiceBus,
    private readonly tasks: MigrationTaskReader,
  ) {}

  /** @returns what is seen of the task from the subscription on; never ends by itself */
  of(taskId: string): Observable<TaskNews> {
    return defer(() => {
      const known = this.#watches.get(taskId);
      if (known !== undefined) return known;
      const watch = merge(this.#documents(taskId), this.#progress(taskId)).pipe(
        finalize(() => this.#watches.delete(taskId)),
        share(),
      );
      this.#watches.set(taskId, watch);
      return watch;
    });
  }

  /** How many tasks are watched now. */
  get count(): number {
    return this.#watches.size;
  }

  #documents(taskId: string): Observable<TaskNews> {
    return timer(LOOK_EVERY_MS, LOOK_EVERY_MS).pipe(
      exhaustMap(async () => this.tasks.document(taskId, ownOrigin())),
      map((document): TaskNews => ({ kind: 'document', document, fingerprint: fingerprintOf(document) })),
      catchError((error: unknown, again) => {
        this.#log.warn(`task ${taskId} cannot be read: ${String(error)}`);
        return again;
      }),
    );
  }

  #progress(taskId: string): Observable<TaskNews> {
    return newsOf(this.bus, progressSubject(taskId)).pipe(
      retry({ delay: () => timer(LISTEN_AGAIN_MS) }),
      map((payload) => endpointProgress.safeParse(payload)),
      filter(({ success }) => success),
      map(({ data }) => data),
      filter((progress) => progress !== undefined),
      map((progress): TaskNews => ({ kind: 'progress', progress })),
      catchError(() => EMPTY),
    );
  }
}

const ownOrigin = (): CallOrigin => {
  const commandId = randomUUID();
  return { commandId, correlationId: randomUUID(), causationId: commandId, actor: 'service:gateway' };
};
