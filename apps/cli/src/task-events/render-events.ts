import type { EventView } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { withoutControlCharacters as clean } from '../terminal/table.js';

const STREAM_WIDTH = 18;
const TYPE_WIDTH = 54;

/** A line per event, in columns that stay the same from page to page. */
export function renderEvent(event: EventView, paint: Paint): string {
  const moment = event.occurredAt.slice(0, 23).replace('T', ' ');
  return [
    paint('quiet', moment.padEnd(23)),
    paint('quiet', `${streamKind(event.stream)}@${event.revision}`.padEnd(STREAM_WIDTH)),
    paint('accent', clean(event.type).padEnd(TYPE_WIDTH)),
    clean(event.actor),
  ].join('  ');
}

/** The events of one task are in one stream of each kind; which one need not be said on every line. */
const streamKind = (stream: string): string => clean(stream.split('-')[0] ?? stream);
