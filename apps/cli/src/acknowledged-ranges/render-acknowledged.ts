import type { AcknowledgedDisk } from '../gateway/gateway-client.js';
import type { Paint } from '../terminal/paint.js';
import { sizeInWords } from '../terminal/quantities-in-words.js';
import { renderTable, withoutControlCharacters as clean } from '../terminal/table.js';

/** @param mostRanges of each disk; how many more there are is told */
export function renderAcknowledged(disks: readonly AcknowledgedDisk[], mostRanges: number, paint: Paint): string {
  if (disks.length === 0) return 'Nothing is known to be acknowledged.';
  return disks.map((disk) => renderDisk(disk, mostRanges, paint)).join('\n\n');
}

function renderDisk({ diskId, acknowledgedBytes, ranges }: AcknowledgedDisk, mostRanges: number, paint: Paint): string {
  const count = ranges.length === 1 ? '1 range' : `${ranges.length} ranges`;
  const heading = `disk ${clean(diskId)}: ${paint('good', sizeInWords(acknowledgedBytes))} in ${count}`;
  const shown = ranges.slice(0, mostRanges);
  if (shown.length === 0) return heading;
  const table = renderTable<AcknowledgedDisk['ranges'][number]>(
    [
      { title: 'FROM BYTE', align: 'right', cell: ({ offsetBytes }) => String(offsetBytes) },
      { title: 'BYTES', align: 'right', cell: ({ lengthBytes }) => String(lengthBytes) },
      { title: 'SIZE', align: 'right', cell: ({ lengthBytes }) => sizeInWords(lengthBytes) },
    ],
    shown,
    paint,
  );
  const hidden = ranges.length - shown.length;
  return [heading, table, ...(hidden === 0 ? [] : [paint('quiet', `and ${hidden} more: --all shows them`)])].join('\n');
}
