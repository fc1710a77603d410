import { type ReplicationState, dueAtOf } from '../../../apps/transfer/src/replication/domain/replication.state.js';
import type { MigrationTaskState } from '../../../apps/planning/src/migration-task/domain/migration-task.state.js';
import { cleanUpAtOf, timePointOf } from '../services/planning.js';
import type { ServiceName } from '../services/service.js';
import { DEADLINE_SETTLE_MS } from '../services/transfer.js';
import { MINUTE, SECOND } from '../world/simulated-clock.js';
import { durationOf } from '../world/trail.js';
import type { MakeChecker } from './checker.js';

/** What a sweep, and events on their way to it, may take on a bad day. */
const SLACK_MS = 3 * MINUTE;
const ALLOWED_MS = DEADLINE_SETTLE_MS + SLACK_MS;

/**
 * No window, retry, time point or clean-up that is due is forgotten, also when the service that looks after it was down
 * meanwhile: within the settling time after it runs again, it is dealt with.
 */
export const nothingDueIsForgotten: MakeChecker = ({ world, report }) => {
  /** What is due, and since when it is waited for: not while it is paused. */
  const pending = new Map<string, { readonly dueAt: string; readonly sinceMs: number }>();
  /** Since when the service could have done it; null: it cannot now. */
  const ableSinceMs = (name: ServiceName): number | null => {
    const { runningSinceMs } = world.services[name];
    if (runningSinceMs === null || world.access.isAway) return null;
    return Math.max(runningSinceMs, world.access.backSinceMs);
  };
  const watch = (timer: string, what: string, name: ServiceName, dueAt: string | null): void => {
    if (pending.get(timer)?.dueAt === dueAt) return;
    if (dueAt === null) {
      pending.delete(timer);
      return;
    }
    const wait = { dueAt, sinceMs: world.clock.nowMs };
    pending.set(timer, wait);
    const look = (): void => {
      if (pending.get(timer) !== wait) return;
      const since = ableSinceMs(name);
      if (since === null) {
        world.clock.after(30 * SECOND, look);
        return;
      }
      const fromMs = Math.max(since, wait.sinceMs, Date.parse(dueAt));
      const leftMs = fromMs + ALLOWED_MS - world.clock.nowMs;
      if (leftMs > 0) world.clock.after(leftMs, look);
      else
        report(
          `${what} was due at ${dueAt}, and is forgotten; ${name} could have seen it for ${durationOf(ALLOWED_MS)}`,
        );
    };
    world.clock.at(Date.parse(dueAt) + ALLOWED_MS, look);
  };
  return {
    name: 'nothing-due-is-forgotten',
    recorded: ({ category, id, after }) => {
      if (category === 'replication') {
        const state = after as ReplicationState;
        const what = state?.window ? 'A window' : 'A retry';
        watch(`replication ${id}`, `${what} of ${id}`, 'transfer', dueAtOf(state));
      }
      if (category === 'migrationTask') {
        const state = after as MigrationTaskState;
        watch(`time point ${id}`, `A time point of ${id}`, 'planning', timePointOf(state));
        watch(`clean-up ${id}`, `A clean-up of ${id}`, 'planning', cleanUpAtOf(state));
      }
    },
  };
};
