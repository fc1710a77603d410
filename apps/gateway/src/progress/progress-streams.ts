import { Injectable, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import {
  Observable,
  Subject,
  concat,
  defer,
  filter,
  finalize,
  interval,
  map,
  merge,
  of,
  takeUntil,
  takeWhile,
} from 'rxjs';
import type { TaskStatus } from '#libs/contracts';
import { TransientError } from '#libs/eventsourcing';
import type { CallOrigin } from '#libs/messaging';
import { MigrationTaskReader } from '../migration-tasks/migration-task-reader.js';
import type { TaskDocument } from '../migration-tasks/task-document.js';
import { type TaskNews, TaskWatches, fingerprintOf } from './task-watches.js';

/** Proxies and clients give up on a connection that is silent for long. */
const HEARTBEAT_MS = 15_000;
export const MAX_LISTENERS = 128;

/** Nothing comes after these. A halted task may still go on. */
const ENDED: ReadonlySet<TaskStatus> = new Set(['completed', 'cancelled']);

interface Item {
  readonly message: MessageEvent;
  /** Nothing can come after it. */
  readonly isLast: boolean;
}

/** What people see of a task's progress: a snapshot, then changes and telemetry until the task has ended. */
@Injectable()
export class ProgressStreams implements OnModuleDestroy {
  readonly #stopping = new Subject<void>();
  #listeners = 0;

  constructor(
    private readonly tasks: MigrationTaskReader,
    private readonly watches: TaskWatches,
  ) {}

  /**
   * @returns the stream; subscribing fails with TransientError when {@link MAX_LISTENERS} listen already
   * @throws DomainError `PLANNING.TASK_NOT_FOUND`, before there is a stream
   */
  async open(taskId: string, origin: CallOrigin): Promise<Observable<MessageEvent>> {
    const document = await this.tasks.document(taskId, origin);
    return defer(() => {
      if (this.#listeners >= MAX_LISTENERS) throw new TransientError(`${MAX_LISTENERS} listen to progress already`);
      this.#listeners += 1;
      return this.#itemsFrom(document).pipe(
        takeWhile(({ isLast }) => !isLast, true),
        map(({ message }) => message),
        takeUntil(this.#stopping),
        finalize(() => {
          this.#listeners -= 1;
        }),
      );
    });
  }

  get listeners(): number {
    return this.#listeners;
  }

  /** Ends all streams, so that the server can close. */
  onModuleDestroy(): void {
    this.#stopping.next();
  }

  #itemsFrom(document: TaskDocument): Observable<Item> {
    const snapshot = itemOf('snapshot', document);
    if (snapshot.isLast) return of(snapshot);
    const heartbeats = interval(HEARTBEAT_MS).pipe(
      map((): Item => ({ message: { comment: 'heartbeat' }, isLast: false })),
    );
    return concat(of(snapshot), merge(this.#changesSince(document), heartbeats));
  }

  #changesSince(document: TaskDocument): Observable<Item> {
    let told = fingerprintOf(document);
    const isNew = (news: TaskNews): boolean => {
      if (news.kind === 'progress') return true;
      if (news.fingerprint === told) return false;
      told = news.fingerprint;
      return true;
    };
    return this.watches.of(document.task.taskId).pipe(
      filter(isNew),
      map((news) =>
        news.kind === 'document'
          ? itemOf('task', news.document)
          : { message: { type: 'progress', data: news.progress }, isLast: false },
      ),
    );
  }
}

const itemOf = (type: 'snapshot' | 'task', document: TaskDocument): Item => ({
  message: { type, data: document },
  isLast: ENDED.has(document.task.status),
});
