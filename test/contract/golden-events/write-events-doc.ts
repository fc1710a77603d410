/**
 * Writes docs/events.md from the codecs. Run from the project's folder, after a build:
 *   node dist/test/contract/golden-events/write-events-doc.js
 */
import { writeFileSync } from 'node:fs';
import { EVENTS_DOC, describeEvents } from './events-doc.js';
import { findCodecs } from './recorded-codecs.js';

writeFileSync(EVENTS_DOC, describeEvents(await findCodecs()));
