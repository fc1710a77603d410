export { LocalStackError } from './local-stack.errors.js';
export { removeLocalStack, startLocalStack } from './local-stack.js';
export type { LocalStack, LocalStackOptions } from './local-stack.js';
export { EVENT_NODE_ENTRY, isEventNodeBuilt } from './event-node.server.js';
export { createDatabase, dropDatabase } from './database.js';
