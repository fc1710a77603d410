export { DeciderSpec, type Decided, type Given } from './decider-spec.js';
export { exampleContext } from './example-context.js';
export { InMemoryEventStore } from './in-memory-event-store.js';
export { expectFoldToSurviveTheReadModel } from './properties/fold.property.js';
export { expectRepeatsToChangeNothing, nthContext, recordCommands } from './properties/repeated-commands.property.js';
export { RecordedCalls, type RecordedCall } from './recorded-calls.js';
export { until } from './until.js';
export { CuttableLink } from './cuttable-link.js';
