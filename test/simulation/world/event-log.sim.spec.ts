import { describeEventStorePort } from '../../contract/event-store-port/event-store-port.suite.js';
import { EventLog } from './event-log.js';

describeEventStorePort('the log of the simulation', () => ({
  store: new EventLog(),
  close: async () => undefined,
}));
