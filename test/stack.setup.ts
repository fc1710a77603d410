import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type LocalStack, isEventNodeBuilt, removeLocalStack, startLocalStack } from '#libs/local-stack';

declare module 'vitest' {
  export interface ProvidedContext {
    /** For `@eventstore/db-client`. */
    readonly eventStoreUrl: string;
    readonly natsUrl: string;
    /** An account that may create databases: make one per test file with `createDatabase`. */
    readonly databaseUrl: string;
  }
}

const DATA_FOLDER = join(import.meta.dirname, '../.landfall');
const FOLDER_NAME = /^test-(\d+)-/;

/** One stack of real servers for a level of tests, with data that lives as long as the level. */
export default async function setUpStack(project: TestProject): Promise<() => Promise<void>> {
  if (!process.env['EVENTSTORE_URL'] && !isEventNodeBuilt()) {
    throw new Error('the embedded event node is not compiled: run npm run build');
  }
  mkdirSync(DATA_FOLDER, { recursive: true });
  await removeWhatCrashedRunsLeft();
  const folder = join(DATA_FOLDER, `test-${process.pid}-${randomUUID()}`);
  const stack: LocalStack = await startLocalStack({ folder, env: process.env, isDisposable: true });
  project.provide('eventStoreUrl', stack.eventStoreUrl);
  project.provide('natsUrl', stack.natsUrl);
  project.provide('databaseUrl', stack.databaseUrl);
  return stack.stop;
}

async function removeWhatCrashedRunsLeft(): Promise<void> {
  for (const name of readdirSync(DATA_FOLDER)) {
    const pid = FOLDER_NAME.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await removeLocalStack(join(DATA_FOLDER, name));
  }
}
