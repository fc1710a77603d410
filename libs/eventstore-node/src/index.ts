export { startEventStoreNode, type EventStoreNode, type EventStoreNodeOptions } from './event-store-node.js';
export { DataFolderError } from './storage/event-database.js';
