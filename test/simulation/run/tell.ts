import type { Fact } from '../world/live-folds.js';

/** Fields that are the same in every event of a run, or too long to be read. */
const LEFT_OUT = new Set([
  'taskId',
  'sourceMachineId',
  'restorerId',
  'targetVmId',
  'disks',
  'exports',
  'itinerary',
  'inventory',
]);

const shortened = (value: unknown): unknown =>
  typeof value === 'string' && /^[0-9a-f]{8}-/.test(value) ? value.slice(0, 8) : value;

/** An event in one line. */
export const tell = ({ persisted, category, event }: Fact): string => {
  if (event === null) return `${category}: ${persisted.storedType}`;
  const data = Object.entries(event.data as Record<string, unknown>)
    .filter(([name, value]) => !LEFT_OUT.has(name) && (typeof value !== 'object' || name === 'failure'))
    .map(([name, value]) => {
      const shown = name === 'failure' ? (value as { readonly code: string }).code : shortened(value);
      return `${name}=${String(shown)}`;
    });
  return `${category}: ${event.type} ${data.join(' ')}`;
};
