import type { MigrationTaskView, Schedule } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { momentInWords, sizeInWords } from '../terminal/quantities-in-words.js';
import { renderTable, withoutControlCharacters as clean } from '../terminal/table.js';

export function renderTasks(tasks: readonly MigrationTaskView[], paint: Paint): string {
  if (tasks.length === 0) return 'There is no migration task. Create one with: landfall task create';
  return renderTable<MigrationTaskView>(
    [
      { title: 'NAME', cell: ({ name }) => clean(name) },
      { title: 'ID', cell: ({ taskId }) => taskId },
      { title: 'STATUS', cell: ({ status }) => statusInWords(status, paint) },
      { title: 'STEP', cell: ({ step }) => clean(step) },
      { title: 'DISKS', align: 'right', cell: ({ disks }) => String(disks.length) },
      { title: 'SIZE', align: 'right', cell: ({ disks }) => sizeInWords(sizeOf(disks)) },
      { title: 'SCHEDULE', cell: ({ schedule }) => scheduleInWords(schedule) },
      { title: 'CREATED (UTC)', cell: ({ createdAt }) => momentInWords(createdAt) },
    ],
    tasks,
    paint,
  );
}

export function statusInWords(status: MigrationTaskView['status'], paint: Paint): string {
  const meanings = {
    running: 'accent',
    paused: 'attention',
    halted: 'bad',
    cancelling: 'attention',
    'cleaning-up': 'attention',
    cancelled: 'quiet',
    completed: 'good',
  } as const;
  return paint(meanings[status], status);
}

export function scheduleInWords(schedule: Schedule | null): string {
  if (schedule === null) return '-';
  const points =
    schedule.kind === 'interval'
      ? `every ${schedule.everySeconds} s`
      : `cron ${clean(schedule.expression)} (${clean(schedule.timeZone)})`;
  return schedule.catchUp === 'skip' ? `${points}, missed ones skipped` : points;
}

const sizeOf = (disks: MigrationTaskView['disks']): number => disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
