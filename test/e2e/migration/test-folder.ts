import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanUpRun } from '../../../infra/demo/run-folder/clean-up-run.js';
import { makeRunFolder } from '../../../infra/demo/run-folder/run-folder.js';

const ROOT = join(import.meta.dirname, '../../../.landfall/migrations-under-test');

/** A folder for everything that a test file makes; what crashed runs left behind is taken away first. */
export const makeTestFolder = (): Promise<string> => makeRunFolder(ROOT, randomUUID());

/** Ends and takes away what a test left: programs, restore environments, servers, mounts, loop devices, files. */
export const removeTestFolder = async (folder: string): Promise<void> => {
  await cleanUpRun(folder);
  await rm(folder, { recursive: true, force: true });
};
