import { CutoverController } from '../../../apps/cutover/src/cutover/cutover.controller.js';
import { bootTargetWhenTakeOverStarted } from '../../../apps/cutover/src/policies/boot-target-when-take-over-started/boot-target-when-take-over-started.js';
import { declareTakeOverWhenBooted } from '../../../apps/cutover/src/policies/declare-take-over-when-booted/declare-take-over-when-booted.js';
import type { EventStoreDb } from '#libs/eventstore';
import { answersOf } from './controllers.js';
import { postgresThatIsAhead } from './postgres.js';
import { type Ground, type ServiceParts, subscriberOf } from './service.js';

export const cutover = ({ store, bus }: Ground): ServiceParts => ({
  answers: answersOf(new CutoverController(store as unknown as EventStoreDb, postgresThatIsAhead())),
  subscribers: [subscriberOf(bootTargetWhenTakeOverStarted(bus)), subscriberOf(declareTakeOverWhenBooted(store))],
  tasks: [],
});
