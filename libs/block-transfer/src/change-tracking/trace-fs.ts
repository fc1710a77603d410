import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf } from '../endpoint-failure.js';
import { TrackingFailure } from './tracking-failure.js';

const run = promisify(execFile);
const MOUNT_TIMEOUT_MS = 10_000;

/** Where the kernel's documentation puts it (Documentation/trace/ftrace). */
export const TRACE_FS = '/sys/kernel/tracing';

/** Mounts tracefs where it is not. Throws a TrackingFailure `tracking-unavailable` where it cannot be had. */
export async function ensureTraceFs(): Promise<void> {
  if (hasTraceFs()) return;
  try {
    await run('mount', ['-t', 'tracefs', 'tracefs', TRACE_FS], { timeout: MOUNT_TIMEOUT_MS });
  } catch (error) {
    throw new TrackingFailure('tracking-unavailable', `tracefs is not mounted and cannot be: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (!hasTraceFs()) throw new TrackingFailure('tracking-unavailable', 'tracefs has no instances');
}

function hasTraceFs(): boolean {
  return existsSync(join(TRACE_FS, 'instances'));
}
