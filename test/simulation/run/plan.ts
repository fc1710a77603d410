import type { TaskSettings } from '#libs/contracts';
import type { AgentManner } from '../ends/agent.js';
import type { HypervisorManner } from '../ends/hypervisor.js';
import type { RestorerManner } from '../ends/restorer.js';
import type { SourceManner } from '../ends/source-machine.js';
import type { PlannedFault } from '../faults/planned-fault.js';
import { MOMENTS, planFaults } from '../faults/plan-faults.js';
import type { MutationName } from '../mutations/mutations.js';
import type { NetworkManner } from '../world/network.js';
import { Random } from '../world/random.js';
import type { DeliveryManner } from '../world/reader.js';
import type { BusManner } from '../world/service-bus.js';
import { HOUR, MINUTE, SECOND } from '../world/simulated-clock.js';
import type { StoreManner } from '../world/store-client.js';
import type { Whim } from '../world/whim.js';

/** How everything between the parts of the world behaves, apart from planned faults. */
export interface Manners {
  readonly network: NetworkManner;
  readonly store: StoreManner;
  readonly bus: BusManner;
  readonly delivery: DeliveryManner;
  readonly agent: AgentManner;
  readonly restorer: RestorerManner;
  readonly hypervisor: HypervisorManner;
}

/** What people do, beside creating the task. */
export interface OperatorManner {
  /** Mean pause between two whims; null: nobody interferes. */
  readonly whimEveryMs: number | null;
  /** What people do as soon as something happens, the first few times that it does. */
  readonly impulses: readonly { readonly eventType: string; readonly delayMs: number; readonly whim: Whim }[];
  /** What is done with a task that has come to rest after the last fault. */
  readonly ending: 'leave' | 'cut-over' | 'cancel';
}

/** Everything that a run is, before it begins; the seed decides it all. */
export interface Plan {
  readonly seed: number;
  readonly mutation: MutationName | null;
  readonly source: SourceManner;
  readonly manners: Manners;
  readonly settings: Partial<TaskSettings>;
  readonly scheduleEverySeconds: number | null;
  /** How wrong the ends' clocks are about the time of day. */
  readonly clockOffsetMs: Readonly<Record<'agent' | 'restorer', number>>;
  readonly operator: OperatorManner;
  readonly faults: readonly PlannedFault[];
  /** From then on, nothing breaks any more. */
  readonly faultsUntilMs: number;
}

const planSource = (random: Random, writesUntilMs: number): SourceManner => {
  const disks = Array.from({ length: random.integer(2, 4) }, () => ({
    blocks: random.integer(16, 48),
    usedFraction: 0.3 + random.fraction() * 0.6,
    isWritten: true,
  }));
  // Often the business lives on one disk, and the others do not change at all.
  const only = random.happens(0.5) ? random.integer(0, disks.length - 1) : null;
  return {
    disks: disks.map((disk, index) => ({ ...disk, isWritten: only === null || index === only })),
    writeEveryMs: random.magnitude(20 * SECOND, 10 * MINUTE),
    writesUntilMs,
  };
};

/** @param trouble how much goes wrong by chance: 0 to 1 */
const planManners = (random: Random, trouble: number): Manners => {
  const some = (most: number): number => most * trouble * random.fraction();
  const blockMs = random.magnitude(300, 30 * SECOND);
  return {
    network: { latencyMs: [1, 40], hiccup: some(0.05), hiccupMs: 5 * SECOND, reset: some(0.01) },
    store: { latencyMs: [0, 6], appendLost: some(0.02), answerLost: some(0.03) },
    bus: {
      latencyMs: [0, 5],
      requestLost: some(0.05),
      answerLost: some(0.05),
      twice: some(0.05),
      newsLost: some(0.03),
    },
    delivery: { delayMs: [0, 30], stall: some(0.05), stallMs: 20 * SECOND, twice: some(0.05) },
    agent: {
      blockMs: [Math.round(blockMs / 2), blockMs],
      blocksPerStep: random.integer(1, 6),
      stepsPerFlush: random.integer(1, 4),
      failure: some(0.1),
      forgetsDone: false,
      overlooksDifferences: false,
    },
    restorer: {
      openMs: [20, 400],
      blockMs: [20, Math.round(blockMs / 2)],
      exportFailed: some(0.05),
      digestsFailed: some(0.1),
    },
    hypervisor: {
      callMs: [5, 500],
      createMs: [5 * SECOND, 5 * MINUTE],
      bootMs: [SECOND, 3 * MINUTE],
      refused: some(0.2),
      answerLost: some(0.2),
      failed: some(0.1),
    },
  };
};

const planSettings = (random: Random): Partial<TaskSettings> => ({
  resumeWindowSeconds: random.pick([900, 900, 120, 300, 3_600]),
  afterFailure: random.happens(0.85) ? 'compare-digests' : 'resend-everything',
  retryLimit: random.pick([0, 1, 3, 3, 5]),
  retryDelaySeconds: random.pick([1, 60, 60, 600]),
  cancelGraceSeconds: random.pick([0, 60, 3_600]),
  failureGraceSeconds: random.pick([null, 7_200, 604_800]),
});

const planImpulses = (random: Random): OperatorManner['impulses'] => {
  const whims = ['sync', 'resend', 'pause', 'cancel', 'withdraw', 'retry', 'resume'] as const;
  const draw = (): OperatorManner['impulses'][number] => ({
    eventType: random.pick(MOMENTS),
    delayMs: random.magnitude(1, MINUTE),
    whim: random.pick(whims),
  });
  // Most people let things happen; and whoever wants to cut over at all does so early in some of the runs.
  const early = random.happens(0.3)
    ? [{ eventType: 'CutoverAllowed', delayMs: random.magnitude(1, HOUR), whim: 'cut-over' } as const]
    : [];
  return [...early, ...(random.happens(0.6) ? [] : Array.from({ length: random.integer(1, 4) }, draw))];
};

const hoursOffAtMost = 3;

/** @param mutation is carried along; the plan is the same with and without it */
export const planOf = (seed: number, mutation: MutationName | null = null): Plan => {
  const random = new Random(seed, 'plan');
  const faultsUntilMs = random.magnitude(HOUR, 8 * HOUR);
  const trouble = random.happens(0.2) ? 0 : random.fraction();
  const settings = planSettings(random);
  const source = planSource(new Random(seed, 'plan of the source'), faultsUntilMs + HOUR);
  const manners = planManners(new Random(seed, 'plan of manners'), trouble);
  return {
    seed,
    mutation,
    source,
    manners: {
      ...manners,
      agent: {
        ...manners.agent,
        forgetsDone: mutation === 'acknowledged-range-forgotten',
        overlooksDifferences: mutation === 'difference-overlooked',
      },
    },
    settings,
    scheduleEverySeconds: random.happens(0.6) ? random.magnitude(120, 3_600) : null,
    clockOffsetMs: {
      agent: random.integer(-hoursOffAtMost * HOUR, hoursOffAtMost * HOUR),
      restorer: random.integer(-hoursOffAtMost * HOUR, hoursOffAtMost * HOUR),
    },
    operator: {
      whimEveryMs: random.happens(0.3) ? null : random.magnitude(3 * MINUTE, 90 * MINUTE),
      impulses: planImpulses(new Random(seed, 'plan of impulses')),
      ending: random.pick(['cut-over', 'cut-over', 'cut-over', 'cancel', 'leave']),
    },
    faults: planFaults(new Random(seed, 'plan of faults'), faultsUntilMs, settings.resumeWindowSeconds ?? 900),
    faultsUntilMs,
  };
};

/** Everything as it is on a good day; what a block takes stays as planned. */
export const calm = (manners: Manners): Manners => ({
  network: { ...manners.network, hiccup: 0, reset: 0 },
  store: { ...manners.store, appendLost: 0, answerLost: 0 },
  bus: { ...manners.bus, requestLost: 0, answerLost: 0, twice: 0, newsLost: 0 },
  delivery: { ...manners.delivery, stall: 0, twice: 0 },
  agent: { ...manners.agent, failure: 0 },
  restorer: { ...manners.restorer, exportFailed: 0, digestsFailed: 0 },
  hypervisor: { ...manners.hypervisor, refused: 0, answerLost: 0, failed: 0 },
});
