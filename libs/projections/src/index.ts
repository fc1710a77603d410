export { CheckpointRow } from './checkpoint.entity.js';
export { type ReadModelStore, openReadModelStore } from './data-source.js';
export { documentProjection } from './document-projection.js';
export { DocumentRow } from './document-row.js';
export { createDocumentTable } from './document-table.js';
export { EventReader, type Projection, type Reaction, type ReaderLog, rebuild } from './event-reader.js';
export { pause } from './reader-lease.js';
export { waitForPosition } from './wait-for-position.js';
