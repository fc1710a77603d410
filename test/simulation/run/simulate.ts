import { Logger } from '@nestjs/common';
import type { Checker } from '../checkers/checker.js';
import { CHECKERS } from '../checkers/checkers.js';
import { laggardsOf } from '../checkers/readers-keep-up.js';
import { FaultInjector, isGoneForGood } from '../faults/fault-injector.js';
import { type MutationName, withMutation } from '../mutations/mutations.js';
import { Operator } from '../world/operator.js';
import { randomOf } from '../world/random-of.js';
import { HOUR, MINUTE } from '../world/simulated-clock.js';
import { underSimulatedDate } from '../world/simulated-date.js';
import { World } from '../world/world.js';
import { unrestOf } from './at-rest.js';
import { historyHashOf } from './history-hash.js';
import type { FoundViolation, Outcome } from './outcome.js';
import { type Plan, planOf } from './plan.js';
import { tell } from './tell.js';

/** Everything that services log is in the trail, or of no interest. */
Logger.overrideLogger(false);

/** After the last fault, everything has come to rest within this: all windows and retries, one after another. */
const REST_LIMIT_MS = 60 * HOUR;
/** A person who wants it finished is done within this. */
const END_LIMIT_MS = 120 * HOUR;
/** What is still on its way at the end arrives within this. */
const LAST_WORDS_MS = 10 * MINUTE;
/** Who is still at work by then is done within this: a call of the hypervisor takes minutes, and is made again. */
const CATCH_UP_LIMIT_MS = HOUR;
const TRAIL_LINES = 120;

/** One run: a world with its people, its faults and those who look on. */
class Run {
  readonly world: World;
  readonly operator: Operator;
  readonly injector: FaultInjector;
  readonly checkers: readonly Checker[];
  readonly #counts = { halts: 0, cutovers: 0, rounds: 0, attempts: 0 };
  violation: FoundViolation | null = null;

  constructor(private readonly plan: Plan) {
    const random = randomOf(plan.seed);
    const onBroken = (what: string): void => this.broke(what);
    this.world = new World(plan, onBroken);
    this.operator = new Operator(this.world, random('operator'), onBroken);
    this.injector = new FaultInjector(this.world, random('faults'));
    this.checkers = CHECKERS.map((make) => {
      const checker: Checker = make({ world: this.world, report: (text) => this.#report(checker.name, text) });
      return checker;
    });
    const { world } = this;
    world.lookOn({ recorded: (fact) => world.trail.note(() => tell(fact)) });
    for (const onlooker of [...this.checkers, this.injector, this.operator]) world.lookOn(onlooker);
    world.lookOn({ recorded: ({ event }) => this.#count(event?.type) });
  }

  async play(): Promise<void> {
    const { world, operator, injector, plan } = this;
    await world.begin();
    injector.begin();
    void operator.begin();
    await this.#pass(plan.faultsUntilMs);
    injector.end();
    world.becomeCalm();
    operator.settle();
    await this.#passUntilRest('After the last fault');
    await this.#end();
    await this.#pass(LAST_WORDS_MS);
    await this.#pass(CATCH_UP_LIMIT_MS, () => laggardsOf(world).length === 0);
    if (this.violation === null) for (const checker of this.checkers) checker.atEnd?.();
  }

  /** A person brings the task to its end; with everything in order, that is always possible. */
  async #end(): Promise<void> {
    const { operator, plan, world } = this;
    const { taskId } = operator;
    if (plan.operator.ending === 'leave' || taskId === null) return;
    // Without its source, a migration can be given up only.
    const isHopeless = isGoneForGood(world);
    const goal = plan.operator.ending === 'cut-over' && !isHopeless ? 'cut-over' : 'cancel';
    void operator.driveTo(goal);
    const isEnded = (): boolean => {
      const status = world.folds.task(taskId)?.status;
      return status === 'completed' || status === 'cancelled';
    };
    await this.#pass(END_LIMIT_MS, isEnded);
    if (!isEnded())
      this.#report('every-task-ends', `A person wants to ${goal}, and the task is ${this.#whereItIs(taskId)}`);
  }

  async #passUntilRest(when: string): Promise<void> {
    const unrest = (): string | null =>
      this.operator.taskId === null
        ? 'there is no order'
        : this.operator.isBusy
          ? 'a cutover is under way'
          : unrestOf(this.world, this.operator.taskId);
    const isAtRest = (): boolean => unrest() === null;
    await this.#pass(REST_LIMIT_MS, isAtRest);
    const left = unrest();
    if (left === null) this.world.trail.note('--- at rest ---');
    else
      this.#report(
        'every-task-ends',
        `${when}, the world does not come to rest: ${left}; ${this.#whereItIs(this.operator.taskId)}`,
      );
  }

  #whereItIs(taskId: string | null): string {
    const task = taskId === null ? null : this.world.folds.task(taskId);
    const replication = taskId === null ? null : this.world.folds.replication(taskId);
    const { round = null, window = null } = replication ?? {};
    return `${task?.status ?? 'nowhere'} in ${task?.phase ?? 'no phase'}, round ${JSON.stringify(round)}, window ${JSON.stringify(window)}`;
  }

  async #pass(durationMs: number, isDone: () => boolean = () => false): Promise<void> {
    const { clock } = this.world;
    await clock.passUntil(clock.nowMs + durationMs, () => this.violation !== null || isDone());
  }

  broke(what: string): void {
    this.#report('program-fault', what);
  }

  #report(checker: string, text: string): void {
    this.violation ??= { checker, text, atMs: this.world.clock.elapsedMs };
  }

  #count(type: string | undefined): void {
    if (type === 'MigrationTaskHalted') this.#counts.halts += 1;
    if (type === 'TakeOverDeclared') this.#counts.cutovers += 1;
    if (type === 'SyncRoundStarted') this.#counts.rounds += 1;
    if (type === 'SyncRoundStarted' || type === 'LinkLost') this.#counts.attempts += 1;
  }

  outcome(): Outcome {
    const { world, violation, plan, operator } = this;
    const { taskId } = operator;
    return {
      seed: plan.seed,
      mutation: plan.mutation,
      violation,
      simulatedMs: world.clock.elapsedMs,
      events: world.log.all.length,
      eventTypes: countsOf(world.log.all.map(({ storedType }) => storedType)),
      historyHash: historyHashOf(world.log.all),
      faults: Object.fromEntries(world.trail.faults),
      status: taskId === null ? null : (world.folds.task(taskId)?.status ?? null),
      ...this.#counts,
      trail: violation === null ? [] : world.trail.newest(TRAIL_LINES),
    };
  }
}

const countsOf = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

let inPlay: Run | null = null;

/** What nobody caught is a fault of the program, and of the run that is being played. */
export const noteUncaught = (error: unknown): void => {
  inPlay?.broke(error instanceof Error ? (error.stack ?? error.message) : String(error));
};

/** Plays the run of a seed. The same seed gives the same history, to the last event. */
export const simulate = async (seed: number, mutation: MutationName | null = null): Promise<Outcome> =>
  withMutation(mutation, async () => {
    const run = new Run(planOf(seed, mutation));
    inPlay = run;
    try {
      await underSimulatedDate(run.world.clock, () => run.play());
    } finally {
      inPlay = null;
    }
    return run.outcome();
  });
