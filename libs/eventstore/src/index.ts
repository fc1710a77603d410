export { EventStoreDb } from './event-store-db.js';
