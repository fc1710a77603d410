import {
  type RequestOf,
  type Schedule,
  type ServiceCall,
  cutoverCalls,
  planningCalls,
  transferCalls,
} from '#libs/contracts';
import { DomainError, PermanentError, uuidV5 } from '#libs/eventsourcing';
import type * as z from 'zod';
import type { Random } from './random.js';
import type { BusClient } from './service-bus.js';
import type { Lifetime } from './lifetime.js';
import { HOUR, MINUTE, SECOND } from './simulated-clock.js';
import type { Whim } from './whim.js';
import type { Fact } from './live-folds.js';
import type { Onlooker, World } from './world.js';

/** Between two tries of the same request. */
const AGAIN_MS = 5 * SECOND;

/** How often one impulse is given way to: two of them may set off each other. */
const MOST_TIMES = 4;

/** As often as each is wanted. */
const WHIMS: readonly Whim[] = [
  ...(['sync', 'resend', 'retry', 'retry', 'pause', 'resume', 'cancel'] as const),
  ...(['withdraw', 'cut-over', 'cut-over', 'schedule'] as const),
];

type Outcome = 'done' | 'refused' | 'broken';

/** A person with a gateway: orders the migration, interferes at random, and in the end wants it finished. */
export class Operator implements Onlooker {
  readonly #life: Lifetime;
  readonly #bus: BusClient;
  #isCuttingOver = false;
  #turn: Promise<void> = Promise.resolve();
  /** How often each impulse was given way to. */
  readonly #given = new Map<object, number>();
  /** Whims end when faults do. */
  #hasWhims = true;
  taskId: string | null = null;

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly onBroken: (what: string) => void,
  ) {
    const { life, bus } = world.person();
    [this.#life, this.#bus] = [life, bus];
  }

  get isBusy(): boolean {
    return this.#isCuttingOver;
  }

  /** Some events make people act at once, or nearly. */
  recorded({ event }: Fact): void {
    if (!this.#hasWhims || event === null) return;
    for (const impulse of this.world.plan.operator.impulses) {
      const times = this.#given.get(impulse) ?? 0;
      if (impulse.eventType !== event.type || times >= MOST_TIMES) continue;
      this.#given.set(impulse, times + 1);
      this.#life.after(impulse.delayMs, () => this.#hasWhims && void this.#act(impulse.whim));
    }
  }

  /** Orders the migration, then lives on whims. */
  async begin(): Promise<void> {
    await this.#order();
    await this.#live();
  }

  /** The first task of the machine, or another one after it was cancelled. */
  async #order(): Promise<void> {
    const { plan, furniture } = this.world;
    const order: RequestOf<typeof planningCalls.createMigrationTask> = {
      name: 'simulated migration',
      sourceMachineId: furniture.agent.endpointId,
      siteId: furniture.site.siteId,
      target: {},
      copyRawDisks: true,
      settings: plan.settings,
    };
    const commandId = this.random.uuid();
    this.taskId = uuidV5(commandId, 'task');
    await this.#ask('create', planningCalls.createMigrationTask, order, commandId);
    if (plan.scheduleEverySeconds !== null) await this.#schedule(plan.scheduleEverySeconds);
  }

  /** No more whims. */
  settle(): void {
    this.#hasWhims = false;
  }

  /** Looks at the task now and then, and does what has to be done next, until `isDone`. */
  async driveTo(goal: 'cut-over' | 'cancel'): Promise<void> {
    for (;;) {
      const { taskId } = this;
      const task = taskId === null ? null : this.world.folds.task(taskId);
      if (taskId === null || task === null || task.status === 'completed' || task.status === 'cancelled') return;
      if (!this.#isCuttingOver) await (goal === 'cancel' ? this.#wantCancelled(taskId) : this.#wantCutOver(taskId));
      await this.#life.sleep(this.random.integer(MINUTE, 5 * MINUTE));
    }
  }

  async #wantCancelled(taskId: string): Promise<void> {
    const task = this.world.folds.task(taskId)!;
    if (task.stage === 'active' && task.phase !== 'take-over') await this.#cancel(taskId);
    else if (task.stage === 'active' && task.isPaused) await this.#simple('resume', planningCalls.resumeMigrationTask);
    else if (task.stage === 'active' && task.halt !== null)
      await this.#simple('retry', planningCalls.retryMigrationTask);
    else if (task.stage === 'cleaning-up' && task.cleanUpFailure !== null) {
      await this.#simple('retry', planningCalls.retryMigrationTask);
    }
  }

  async #wantCutOver(taskId: string): Promise<void> {
    const task = this.world.folds.task(taskId)!;
    const state = this.world.folds.cutover(taskId)?.status ?? 'not-possible-yet';
    if (task.stage === 'cancelling') await this.#act('withdraw');
    else if (task.stage === 'cleaning-up') await this.#wantCancelled(taskId);
    else if (task.isPaused) await this.#simple('resume', planningCalls.resumeMigrationTask);
    else if (task.halt !== null) await this.#simple('retry', planningCalls.retryMigrationTask);
    else if (task.phase === 'keep-in-sync' && (state === 'possible' || state === 'requested')) await this.#cutOver();
  }

  async #live(): Promise<void> {
    const { whimEveryMs } = this.world.plan.operator;
    while (whimEveryMs !== null) {
      await this.#life.sleep(Math.round(-Math.log(1 - this.random.fraction()) * whimEveryMs) + SECOND);
      if (!this.#hasWhims || this.taskId === null) return;
      if (this.world.folds.task(this.taskId)?.status === 'cancelled') await this.#order();
      else await this.#act(this.random.pick(WHIMS));
    }
  }

  async #act(whim: Whim): Promise<void> {
    const { taskId } = this;
    if (taskId === null) return;
    switch (whim) {
      case 'sync':
      case 'resend': {
        const question = { taskId, trigger: 'manual', resend: whim === 'resend' } as const;
        await this.#ask(whim, transferCalls.startSyncRound, question);
        break;
      }
      case 'retry':
        await this.#simple('retry', planningCalls.retryMigrationTask);
        break;
      case 'pause':
        await this.#pauseForAWhile();
        break;
      case 'resume':
        await this.#simple('resume', planningCalls.resumeMigrationTask);
        break;
      case 'cancel':
        await this.#changeOfMind(taskId);
        break;
      case 'withdraw':
        await this.#simple('withdraw', planningCalls.withdrawCancellation);
        break;
      case 'cut-over':
        await this.#cutOver();
        break;
      case 'schedule':
        await this.#schedule(this.random.happens(0.5) ? this.random.magnitude(300, 7_200) : null);
        break;
    }
  }

  async #pauseForAWhile(): Promise<void> {
    await this.#simple('pause', planningCalls.pauseMigrationTask);
    if (this.random.happens(0.2)) return;
    this.#life.after(this.random.magnitude(10 * SECOND, 2 * HOUR), () => {
      void this.#simple('resume', planningCalls.resumeMigrationTask);
    });
  }

  async #changeOfMind(taskId: string): Promise<void> {
    if ((await this.#cancel(taskId)) !== 'done' || this.random.happens(0.3)) return;
    this.#life.after(this.random.magnitude(1, HOUR), () => {
      void this.#simple('withdraw', planningCalls.withdrawCancellation);
    });
  }

  /** Once the task is cancelled, the source goes on with its business. */
  async #cancel(taskId: string): Promise<Outcome> {
    const graceSeconds = this.random.pick([null, 0, 600]);
    return this.#inTurn(async () => {
      const outcome = await this.#ask('cancel', planningCalls.cancelMigrationTask, { taskId, graceSeconds });
      if (outcome === 'done' && !this.world.source.areServicesRunning) this.world.source.startServices();
      return outcome;
    });
  }

  /** Request, stop the services, confirm. */
  async #cutOver(): Promise<void> {
    if (this.#isCuttingOver || this.taskId === null) return;
    const { taskId } = this;
    const { folds } = this.world;
    this.#isCuttingOver = true;
    try {
      const isRequested = folds.cutover(taskId)?.status === 'requested';
      if (!isRequested && (await this.#ask('cut over', cutoverCalls.requestCutover, { taskId })) !== 'done') return;
      await this.#life.sleep(this.random.integer(MINUTE, 5 * MINUTE));
      await this.#inTurn(() => this.#stopServicesAndConfirm(taskId));
    } finally {
      this.#isCuttingOver = false;
    }
  }

  async #stopServicesAndConfirm(taskId: string): Promise<void> {
    const { source, folds } = this.world;
    if (folds.task(taskId)?.stage !== 'active') return;
    if (source.areServicesRunning) source.stopServices();
    const confirmed = await this.#ask('confirm', cutoverCalls.confirmSourceServicesStopped, { taskId });
    if (confirmed !== 'done') source.startServices();
  }

  /** Whoever stops services and whoever starts them again does so one after the other, with the answer in hand. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.then(() => undefined);
    return turn;
  }

  async #schedule(everySeconds: number | null): Promise<void> {
    const { taskId } = this;
    if (taskId === null) return;
    const catchUp = this.random.pick(['once', 'skip', undefined] as const);
    const schedule: Schedule | null = everySeconds === null ? null : { kind: 'interval', everySeconds, catchUp };
    await this.#ask('schedule', planningCalls.setSchedule, { taskId, schedule });
  }

  async #simple(what: string, call: typeof planningCalls.retryMigrationTask): Promise<Outcome> {
    return this.taskId === null ? 'refused' : this.#ask(what, call, { taskId: this.taskId });
  }

  /** Repeats the same request until there is an answer. */
  async #ask<Request extends z.ZodType, Reply extends z.ZodType>(
    what: string,
    call: ServiceCall<Request, Reply>,
    data: z.input<Request>,
    commandId = this.random.uuid(),
  ): Promise<Outcome> {
    const origin = { commandId, correlationId: commandId, causationId: commandId, actor: 'operator:simulated' };
    if (!this.world.nats.knows(call.subject)) return 'refused';
    for (;;) {
      try {
        await this.#bus.call(call, data, origin);
        this.world.trail.note(`> ${what}`);
        return 'done';
      } catch (error) {
        if (error instanceof DomainError) {
          this.world.trail.note(`> ${what}: ${error.code}`);
          return 'refused';
        }
        if (error instanceof PermanentError) {
          this.onBroken(`${call.subject}: ${error.message}`);
          return 'broken';
        }
        await this.#life.sleep(AGAIN_MS);
      }
    }
  }
}
