import request from 'supertest';
import * as z from 'zod';
import {
  type EventView,
  type MigrationTaskView,
  type Schedule,
  type SyncRoundView,
  type TaskSettings,
  type ThrottleSettings,
  UNLIMITED_THROTTLE,
  eventView,
  hciSiteView,
  migrationTaskView,
  planningCalls,
  sourceMachineView,
  transferCalls,
} from '#libs/contracts';
import { type TaskDocument, taskDocument } from '../../../apps/gateway/src/migration-tasks/task-document.js';
import { waitFor } from '../../../infra/demo/machine/wait-for.js';

const enrolmentToken = z.object({ token: z.string(), serverUrl: z.url() });
const roundRequested = z.object({ roundId: z.uuid() });
const eventPage = z.object({ events: z.array(eventView), next: z.string().nullable() });

type Method = 'get' | 'post' | 'put' | 'delete';

const FACT_WITHIN_MS = 120_000;
const EVENTS_PER_PAGE = 7;

/** A person with a key and nothing but the REST interface. Every answer is checked against the contract. */
export class Operator {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  issueEnrolmentToken(name: string) {
    return this.#ask('post', '/enrolment-tokens', 201, enrolmentToken, { name });
  }

  sourceMachine(sourceMachineId: string) {
    return this.#ask('get', `/source-machines/${sourceMachineId}`, 200, sourceMachineView);
  }

  registerSite(name: string) {
    return this.#ask('post', '/hci-sites', 201, hciSiteView, { name, driver: 'local-process', version: '1.0' });
  }

  /** At full speed, unless the settings say otherwise: tests are not to wait for the caps of a source in use. */
  createTask(order: {
    readonly name: string;
    readonly sourceMachineId: string;
    readonly siteId: string;
    readonly settings?: Partial<TaskSettings>;
  }) {
    const settings = { throttle: UNLIMITED_THROTTLE, ...order.settings };
    return this.#ask('post', '/migration-tasks', 201, migrationTaskView, { ...order, settings });
  }

  document(taskId: string): Promise<TaskDocument> {
    return this.#ask('get', `/migration-tasks/${taskId}`, 200, taskDocument);
  }

  startRound(taskId: string, order?: { readonly resend: boolean }) {
    return this.#ask('post', `/migration-tasks/${taskId}/rounds`, 202, roundRequested, order);
  }

  pause(taskId: string): Promise<TaskDocument> {
    return this.#ask('post', `/migration-tasks/${taskId}/pause`, 202, taskDocument);
  }

  resume(taskId: string): Promise<TaskDocument> {
    return this.#ask('post', `/migration-tasks/${taskId}/resume`, 202, taskDocument);
  }

  retry(taskId: string): Promise<MigrationTaskView> {
    return this.#ask('post', `/migration-tasks/${taskId}/retry`, 202, migrationTaskView);
  }

  cancel(taskId: string, order?: { readonly graceSeconds: number }): Promise<TaskDocument> {
    return this.#ask('post', `/migration-tasks/${taskId}/cancel`, 202, taskDocument, order);
  }

  withdrawCancellation(taskId: string): Promise<TaskDocument> {
    return this.#ask('post', `/migration-tasks/${taskId}/withdraw-cancellation`, 202, taskDocument);
  }

  async ledger(taskId: string) {
    const { entries } = await this.#ask(
      'get',
      `/migration-tasks/${taskId}/ledger`,
      200,
      planningCalls.readCompensationLedger.reply,
    );
    return entries;
  }

  /** What the target has acknowledged in one round, disk by disk. */
  async acknowledgedRanges(taskId: string, roundId: string) {
    const path = `/migration-tasks/${taskId}/acknowledged-ranges?roundId=${roundId}`;
    const { disks } = await this.#ask('get', path, 200, transferCalls.readAcknowledgedRanges.reply);
    return disks;
  }

  setThrottle(taskId: string, throttle: ThrottleSettings): Promise<MigrationTaskView> {
    return this.#ask('put', `/migration-tasks/${taskId}/throttle`, 200, migrationTaskView, throttle);
  }

  setSchedule(taskId: string, schedule: Schedule): Promise<MigrationTaskView> {
    return this.#ask('put', `/migration-tasks/${taskId}/schedule`, 200, migrationTaskView, schedule);
  }

  removeSchedule(taskId: string): Promise<MigrationTaskView> {
    return this.#ask('delete', `/migration-tasks/${taskId}/schedule`, 200, migrationTaskView);
  }

  async requestCutover(taskId: string): Promise<void> {
    await this.#ask('post', `/migration-tasks/${taskId}/cutover`, 202, z.unknown());
  }

  async confirmSourceServicesStopped(taskId: string): Promise<void> {
    const confirmed = { confirmed: true };
    await this.#ask('post', `/migration-tasks/${taskId}/cutover/source-services-stopped`, 202, z.unknown(), confirmed);
  }

  /** The whole history, page by page, so that the cursor is tested too. */
  async events(taskId: string): Promise<readonly EventView[]> {
    const events: EventView[] = [];
    for (let after = ''; ;) {
      const page = await this.#ask(
        'get',
        `/migration-tasks/${taskId}/events?limit=${EVENTS_PER_PAGE}${after}`,
        200,
        eventPage,
      );
      events.push(...page.events);
      if (page.events.length < EVENTS_PER_PAGE || page.next === null) return events;
      after = `&after=${page.next}`;
    }
  }

  /**
   * Waits until the task is as wished.
   * @param pick returns undefined while it is not
   * @throws Error when the task halts, WaitedInVain after two minutes
   */
  until<Found>(taskId: string, what: string, pick: (document: TaskDocument) => Found | undefined): Promise<Found> {
    return this.untilSeen(taskId, what, (document) => {
      const found = pick(document);
      const { halt } = document.task;
      if (found === undefined && halt !== null) throw new Error(`the task halted: ${halt.code}: ${halt.detail}`);
      return found;
    });
  }

  /** The same for a task that may halt meanwhile. */
  untilSeen<Found>(taskId: string, what: string, pick: (document: TaskDocument) => Found | undefined): Promise<Found> {
    const look = async (): Promise<Found | undefined> => pick(await this.document(taskId));
    return waitFor(what, look, { boundMs: FACT_WITHIN_MS, pollMs: 100 });
  }

  /** Waits for the end of a round; one that failed is an error. */
  async untilRoundCompleted(
    taskId: string,
    what: string,
    isIt: (round: SyncRoundView) => boolean,
  ): Promise<SyncRoundView> {
    const hasEnded = (round: SyncRoundView): boolean => isIt(round) && round.endedAt !== null;
    const round = await this.until(taskId, what, ({ replication }) => replication?.rounds.find(hasEnded));
    if (round.status !== 'completed') throw new Error(`${what} failed: ${JSON.stringify(round.failure)}`);
    return round;
  }

  /** A full round has completed, and the cutover service has heard of it. */
  untilCutoverPossible(taskId: string): Promise<true> {
    return this.until(taskId, 'a possible cutover', ({ cutover }) =>
      cutover.status === 'possible' ? true : undefined,
    );
  }

  untilIdle(taskId: string): Promise<true> {
    return this.until(taskId, 'no round in hand', ({ replication }) =>
      replication?.activity === 'idle' ? true : undefined,
    );
  }

  untilCompleted(taskId: string): Promise<TaskDocument> {
    return this.until(taskId, 'the end of the migration', (document) =>
      document.task.status === 'completed' ? document : undefined,
    );
  }

  async #ask<Answer extends z.ZodType>(
    method: Method,
    path: string,
    status: number,
    answer: Answer,
    body?: object,
  ): Promise<z.output<Answer>> {
    const asked = request(this.url)[method](`/api/v1${path}`).set('Authorization', `Bearer ${this.key}`);
    const response = await (body === undefined ? asked : asked.send(body));
    if (response.status !== status) throw new Error(`${method} ${path}: ${response.status} ${response.text}`);
    return answer.parse(response.body);
  }
}
