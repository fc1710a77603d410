import * as z from 'zod';
import {
  type MigrationTaskView,
  type Schedule,
  type ThrottleSettings,
  byteRange,
  bytes,
  concern,
  decision,
  eventView,
  hciSiteView,
  ledgerEntry,
  migrationTaskOrder,
  migrationTaskView,
  sourceMachineView,
  targetSpecification,
} from '#libs/contracts';
import type { Gateway } from './gateway.js';
import { UnexpectedAnswer } from './gateway.errors.js';
import { ask, openEventStream } from './http-exchange.js';
import { type TaskDocument, type TaskMessage, taskDocument, taskMessage } from './task-document.js';

export type MigrationTaskWish = Partial<
  Pick<z.infer<typeof migrationTaskOrder>, 'diskIds' | 'target' | 'copyRawDisks' | 'settings'>
> &
  Pick<z.infer<typeof migrationTaskOrder>, 'name' | 'sourceMachineId' | 'siteId'>;

export const enrolmentToken = z.object({ token: z.string(), expiresAt: z.string(), serverUrl: z.string() });
export const preCheck = z.object({
  concerns: z.array(concern),
  decisions: z.array(decision),
  target: targetSpecification,
});
export const eventPage = z.object({ events: z.array(eventView), next: z.string().nullable() });
export const acknowledgedRanges = z.object({
  disks: z.array(z.object({ diskId: z.string(), acknowledgedBytes: bytes, ranges: z.array(byteRange) })),
});
export type AcknowledgedDisk = z.infer<typeof acknowledgedRanges>['disks'][number];
export const ledger = z.object({ entries: z.array(ledgerEntry) });
export const roundAnswer = z.object({ roundId: z.uuid().nullable(), skipped: z.string().nullable() });

/** The gateway's REST interface, one method per route. Each throws the errors of `gateway.errors.ts`. */
export class GatewayClient {
  constructor(private readonly gateway: Gateway) {}

  issueEnrolmentToken(name?: string) {
    return this.#post('/enrolment-tokens', enrolmentToken, name === undefined ? {} : { name });
  }

  async sourceMachines() {
    return (await this.#get('/source-machines', z.object({ sourceMachines: z.array(sourceMachineView) })))
      .sourceMachines;
  }

  sourceMachine(sourceMachineId: string) {
    return this.#get(`/source-machines/${encodeURIComponent(sourceMachineId)}`, sourceMachineView);
  }

  async sites() {
    return (await this.#get('/hci-sites', z.object({ sites: z.array(hciSiteView) }))).sites;
  }

  registerSite(site: { readonly name: string; readonly driver: string; readonly version: string }) {
    return this.#post('/hci-sites', hciSiteView, site);
  }

  checkMigrationTask(wish: MigrationTaskWish) {
    return this.#post('/migration-tasks/check', preCheck, wish);
  }

  createMigrationTask(wish: MigrationTaskWish): Promise<MigrationTaskView> {
    return this.#post('/migration-tasks', migrationTaskView, wish);
  }

  /** One page, newest tasks first or last as the gateway has it; `next` is the cursor of the following page. */
  migrationTasks(after?: string) {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    const page = z.object({ tasks: z.array(migrationTaskView), next: z.string().nullable() });
    return this.#get(`/migration-tasks${query}`, page);
  }

  migrationTask(taskId: string): Promise<TaskDocument> {
    return this.#get(taskPath(taskId), taskDocument);
  }

  /** @param order `resend`: everything again, whatever the target is known to hold */
  startSyncRound(taskId: string, order?: { readonly resend: boolean }) {
    return this.#post(taskPath(taskId, '/rounds'), roundAnswer, order);
  }

  /** @param roundId only what this round had acknowledged */
  async acknowledgedRanges(taskId: string, roundId?: string) {
    const query = roundId === undefined ? '' : `?roundId=${encodeURIComponent(roundId)}`;
    return (await this.#get(taskPath(taskId, `/acknowledged-ranges${query}`), acknowledgedRanges)).disks;
  }

  setSchedule(taskId: string, schedule: Schedule) {
    return this.#ask('PUT', taskPath(taskId, '/schedule'), z.unknown(), schedule);
  }

  removeSchedule(taskId: string) {
    return this.#ask('DELETE', taskPath(taskId, '/schedule'), z.unknown());
  }

  setThrottle(taskId: string, throttle: ThrottleSettings): Promise<MigrationTaskView> {
    return this.#ask('PUT', taskPath(taskId, '/throttle'), migrationTaskView, throttle);
  }

  retry(taskId: string) {
    return this.#post(taskPath(taskId, '/retry'), z.unknown());
  }

  pause(taskId: string): Promise<TaskDocument> {
    return this.#post(taskPath(taskId, '/pause'), taskDocument);
  }

  resume(taskId: string): Promise<TaskDocument> {
    return this.#post(taskPath(taskId, '/resume'), taskDocument);
  }

  /** @param graceSeconds from now to the clean-up; left out: as the task's settings say */
  cancel(taskId: string, graceSeconds?: number): Promise<TaskDocument> {
    const body = graceSeconds === undefined ? undefined : { graceSeconds };
    return this.#post(taskPath(taskId, '/cancel'), taskDocument, body);
  }

  withdrawCancellation(taskId: string): Promise<TaskDocument> {
    return this.#post(taskPath(taskId, '/withdraw-cancellation'), taskDocument);
  }

  async ledger(taskId: string) {
    return (await this.#get(taskPath(taskId, '/ledger'), ledger)).entries;
  }

  requestCutover(taskId: string) {
    return this.#post(taskPath(taskId, '/cutover'), z.unknown());
  }

  confirmSourceServicesStopped(taskId: string) {
    return this.#post(taskPath(taskId, '/cutover/source-services-stopped'), z.unknown(), { confirmed: true });
  }

  /** @param after position of the last event that is known already */
  events(taskId: string, { after, limit }: { readonly after?: string | undefined; readonly limit: number }) {
    const query = new URLSearchParams({ limit: String(limit), ...(after === undefined ? {} : { after }) });
    return this.#get(`${taskPath(taskId, '/events')}?${query.toString()}`, eventPage);
  }

  /** The task's state and progress as they come, until the gateway ends the stream or the signal does. */
  async *progress(taskId: string, signal?: AbortSignal): AsyncGenerator<TaskMessage> {
    for await (const { event, data } of openEventStream(this.gateway, taskPath(taskId, '/progress'), signal)) {
      if (event === 'progress') {
        yield { type: 'progress', progress: decoded(taskMessage.progress, JSON.parse(data), event) };
      } else if (event === 'snapshot' || event === 'task') {
        yield { type: 'document', document: decoded(taskMessage[event], JSON.parse(data), event) };
      }
    }
  }

  #get<Answer extends z.ZodType>(path: string, answer: Answer) {
    return this.#ask('GET', path, answer);
  }

  #post<Answer extends z.ZodType>(path: string, answer: Answer, body?: object) {
    return this.#ask('POST', path, answer, body);
  }

  async #ask<Answer extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    answer: Answer,
    body?: object,
  ): Promise<z.output<Answer>> {
    return decoded(answer, await ask(this.gateway, method, path, body), `${method} ${path}`);
  }
}

const taskPath = (taskId: string, rest = '') => `/migration-tasks/${encodeURIComponent(taskId)}${rest}`;

function decoded<Answer extends z.ZodType>(answer: Answer, body: unknown, what: string): z.output<Answer> {
  const { success, data, error } = answer.safeParse(body);
  if (!success) throw new UnexpectedAnswer(`${what}: the answer is not what was agreed\n${z.prettifyError(error)}`);
  return data;
}
