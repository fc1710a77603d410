import {
  type OverdueEnrolment,
  EnrolmentDeadlineSweeper,
} from '../../../apps/provisioning/src/policies/fail-when-not-enrolled/enrolment-deadline-sweeper.js';
import type { TargetVmEvent } from '../../../apps/provisioning/src/target-vm/domain/target-vm.events.js';
import type { TargetVmState } from '../../../apps/provisioning/src/target-vm/domain/target-vm.state.js';
import type { ReadModel } from '../world/read-model.js';
import type { Sweeper } from '../world/sweeper.js';
import { TimerTable } from './timers.js';
import { driveHypervisorWhenRequested } from '../../../apps/provisioning/src/policies/drive-hypervisor-when-requested/drive-hypervisor-when-requested.js';
import { noteReadyWhenRestorerConnected } from '../../../apps/provisioning/src/policies/note-ready-when-restorer-connected/note-ready-when-restorer-connected.js';
import { TargetVmsController } from '../../../apps/provisioning/src/target-vm/target-vms.controller.js';
import { type HciSiteView, provisioningCalls } from '#libs/contracts';
import type { EventStoreDb } from '#libs/eventstore';
import type { Hypervisor } from '../ends/hypervisor.js';
import { answering, answersOf } from './controllers.js';
import { postgresThatIsAhead } from './postgres.js';
import { type Ground, type ServiceParts, subscriberOf } from './service.js';

export interface ProvisioningWorld {
  readonly hypervisor: Hypervisor;
  readonly site: () => HciSiteView;
  readonly vmStates: ReadModel<TargetVmState, TargetVmEvent>;
}

export const provisioning = (ground: Ground, world: ProvisioningWorld): ServiceParts => {
  const { life, store, bus } = ground;
  const driver = world.hypervisor.driver(life);
  return {
    answers: new Map([
      ...answersOf(new TargetVmsController(store as unknown as EventStoreDb, postgresThatIsAhead())),
      answering(provisioningCalls.getHciSite, async () => world.site()),
    ]),
    subscribers: [
      world.vmStates.subscriber(),
      subscriberOf(driveHypervisorWhenRequested(store, bus, async () => driver)),
      subscriberOf(noteReadyWhenRestorerConnected(store)),
    ],
    tasks: [overdueEnrolments(ground, world)],
  };
};

/** As of the real one. */
const SWEEP_EVERY_MS = 5_000;

const enrolByOf = (vm: TargetVmState): string | null => (vm !== null && vm.status === 'created' ? vm.enrolBy : null);

const overdueEnrolments = ({ life, store }: Ground, { vmStates: readModel }: ProvisioningWorld): Sweeper => {
  const table = new TimerTable({ life, readModel, dueAtOf: enrolByOf, everyMs: SWEEP_EVERY_MS, settleMs: 0 });
  const overdue = (): OverdueEnrolment[] =>
    table
      .due()
      .flatMap(({ state: vm }) =>
        vm !== null && vm.status === 'created' && vm.enrolBy !== null
          ? [{ targetVmId: vm.targetVmId, taskId: vm.taskId, enrolBy: vm.enrolBy }]
          : [],
      );
  const real = new EnrolmentDeadlineSweeper(store as unknown as EventStoreDb, postgresThatIsAhead({ query: overdue }));
  return table.sweeper((now) => real.sweep(now));
};
