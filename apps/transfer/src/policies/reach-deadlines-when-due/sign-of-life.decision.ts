import type { End } from '../../replication/domain/replication.events.js';
import type { Replication } from '../../replication/domain/replication.state.js';

/** The end whose return a window waits for; null when none is open, or it waits for something else. */
export const absentEndOf = ({ window }: Pick<Replication, 'window'>): End | null => {
  switch (window?.cause) {
    case 'agent-away':
      return 'agent';
    case 'restorer-away':
      return 'restorer';
    case 'begin':
    case 'link-lost':
    case undefined:
      return null;
  }
};

/**
 * When the absent end was last known to be at work. The data that an agent sends speaks for it; for a restorer, only
 * it does itself.
 */
export const signOfLife = (
  absent: End,
  known: { readonly isConnected: boolean; readonly dataSeenAt: string | null; readonly now: string },
): string | null => {
  if (known.isConnected) return known.now;
  return absent === 'agent' ? known.dataSeenAt : null;
};
