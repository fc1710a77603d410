import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayClient } from './gateway-client.js';
import { GatewayUnreachable } from './gateway.errors.js';
import type { TaskDocument, TaskMessage } from './task-document.js';

const RECONNECT_MS = 500;
const MAX_FAILURES = 20;

/**
 * A task's progress stream until the task is completed or cancelled. Opened again when it breaks off; it begins with the whole
 * state each time.
 *
 * @throws GatewayUnreachable when the gateway stays away for about ten seconds; GatewayProblem when it refuses
 */
export async function* followTask(
  gateway: Pick<GatewayClient, 'progress'>,
  taskId: string,
  signal: AbortSignal,
): AsyncGenerator<TaskMessage> {
  let failures = 0;
  for (;;) {
    try {
      for await (const message of gateway.progress(taskId, signal)) {
        failures = 0;
        yield message;
        if (message.type === 'document' && hasEnded(message.document)) return;
      }
    } catch (error) {
      failures += 1;
      if (!(error instanceof GatewayUnreachable) || failures > MAX_FAILURES) throw error;
    }
    await delay(RECONNECT_MS, undefined, { signal });
  }
}

/** A halted task may still go on. */
const hasEnded = ({ task }: TaskDocument): boolean => task.status === 'completed' || task.status === 'cancelled';
