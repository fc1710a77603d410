import { backoffDelayMs } from '#libs/endpoint-link';
import type { Lifetime } from '../world/lifetime.js';
import type { Path } from '../world/network.js';
import type { Random } from '../world/random.js';
import type { SimulatedClock } from '../world/simulated-clock.js';
import { ControlLink } from './control-link.js';
import { type Door, dial, enrol } from './dial.js';
import type { OpenExports } from './open-exports.js';
import { Restorer, type RestorerManner } from './restorer.js';
import type { TargetMachine } from './target-machine.js';

export interface RestorerOptions {
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly ids: Random;
  readonly manner: RestorerManner;
  readonly controlPath: Path;
  readonly door: Door;
  readonly exports: OpenExports;
  readonly clockOffsetMs: number;
  readonly sendsTwice: () => boolean;
  readonly note: (text: string) => void;
}

/** A restorer begins: gets its identity if it has none, then works for the server. */
export const startRestorer =
  (options: RestorerOptions) =>
  (machine: TargetMachine, life: Lifetime): void =>
    void runRestorer(options, machine, life);

const runRestorer = async (options: RestorerOptions, machine: TargetMachine, life: Lifetime): Promise<void> => {
  const { clock, random, ids, manner, controlPath, door, exports, clockOffsetMs, sendsTwice } = options;
  for (let attempt = 0; machine.credential === null; attempt += 1) {
    const request = { token: machine.token ?? '', name: machine.targetVmId };
    const answer = await enrol(controlPath, door, request, life);
    if (answer === 'refused') {
      options.note('the restorer ends: its enrolment is refused');
      machine.killRestorer();
      return;
    }
    if (answer === null) await life.sleep(backoffDelayMs(attempt, random.fraction()));
    else machine.credential = answer;
  }
  const nowMs = (): number => clock.nowMs + clockOffsetMs;
  const restorer: Restorer = new Restorer(
    {
      ...{ life, random, manner, exports, disks: machine.disks, groupDigests: machine.groupDigests },
      now: () => new Date(nowMs()).toISOString(),
    },
    () => link,
  );
  const link: ControlLink = new ControlLink({
    credential: machine.credential,
    life,
    random,
    dial: (own, ofLink) => dial(controlPath, door, own, ofLink),
    assignmentInHand: () => restorer.follower.assignmentId,
    onAssignment: (assignment) => restorer.follower.follow(assignment),
    nowMs,
    newId: () => ids.uuid(),
    sendsTwice,
  });
  [machine.restorer, machine.link] = [restorer, link];
  await link.run();
  options.note('the restorer ends: its credential is refused');
  machine.killRestorer();
};
