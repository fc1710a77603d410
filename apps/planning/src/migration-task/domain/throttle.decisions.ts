import { type ThrottleSettings, faultOfThrottle } from '#libs/contracts';
import type { CommandOf } from './migration-task.commands.js';
import { throttleInvalid } from './migration-task.errors.js';
import type { MigrationTaskEvent } from './migration-task.events.js';
import type { MigrationTask } from './migration-task.state.js';
import { refuseAtTheEnd } from './rest.decisions.js';

/** @throws DomainError `PLANNING.THROTTLE_INVALID` */
export const refuseUnusable = (throttle: ThrottleSettings): void => {
  const fault = faultOfThrottle(throttle);
  if (fault !== null) throw throttleInvalid(fault);
};

/** The round in hand goes on with them. */
export const adjustThrottle = (
  { throttle }: CommandOf<'AdjustThrottle'>,
  task: MigrationTask,
): MigrationTaskEvent[] => {
  refuseAtTheEnd(task);
  refuseUnusable(throttle);
  const isNew = JSON.stringify(throttle) !== JSON.stringify(task.settings.throttle);
  return isNew ? [{ type: 'ThrottleAdjusted', data: { taskId: task.taskId, throttle } }] : [];
};
