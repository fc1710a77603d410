import { DEFAULT_TASK_SETTINGS, type TaskSettings, taskSettings } from '#libs/contracts';
import type { MigrationTaskOrder } from './assess-order.js';

/** Completes the settings that the operator asked for with the defaults of today, which the task then keeps. */
export const settingsOf = ({ settings }: Pick<MigrationTaskOrder, 'settings'>): TaskSettings => {
  const asked = Object.entries(settings).filter(([, value]) => value !== undefined);
  return taskSettings.parse({ ...DEFAULT_TASK_SETTINGS, ...Object.fromEntries(asked) });
};
