import { expect, it } from 'vitest';
import { DEFAULT_TASK_SETTINGS } from '#libs/contracts';
import { settingsOf } from './settings-of.js';

it('what the operator asks for is taken, also when it is nothing or never', () => {
  const asked = { retryLimit: 0, failureGraceSeconds: null, cancelGraceSeconds: 0 };
  expect(settingsOf({ settings: asked })).toEqual({ ...DEFAULT_TASK_SETTINGS, ...asked });
});

it('what the operator leaves out takes its default', () => {
  expect(settingsOf({ settings: {} })).toEqual(DEFAULT_TASK_SETTINGS);
  expect(settingsOf({ settings: { resumeWindowSeconds: undefined } })).toEqual(DEFAULT_TASK_SETTINGS);
});
