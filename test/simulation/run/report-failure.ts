import { durationOf } from '../world/trail.js';
import type { Outcome } from './outcome.js';

/** What a person needs of a run that failed: the seed, what was wrong, and what happened before. */
export const failureLines = ({ seed, mutation, violation, trail, faults, historyHash }: Outcome): string[] => {
  if (violation === null) return [];
  const again = `npm run simulate -- --seed ${seed}${mutation === null ? '' : ` --mutation ${mutation}`}`;
  return [
    ...trail,
    '',
    `FAILED  seed ${seed}: ${violation.checker} at ${durationOf(violation.atMs)}`,
    `        ${violation.text}`,
    `        faults: ${Object.entries(faults)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`,
    `        history ${historyHash}`,
    `        again: ${again}`,
  ];
};
