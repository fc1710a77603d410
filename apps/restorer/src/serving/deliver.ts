import type { EndpointReport } from '#libs/contracts';
import { LinkClosedError } from '#libs/endpoint-link';
import type { RestorerPorts } from './restorer.ports.js';

/**
 * Queues a report and waits until the server has answered it, or until the work is aborted: an assignment stays in
 * hand for as long as the server may not know its outcome.
 */
export async function deliver(
  report: RestorerPorts['report'],
  made: EndpointReport,
  signal: AbortSignal,
): Promise<void> {
  try {
    await Promise.race([report(made), untilAborted(signal)]);
  } catch (error) {
    // The program ends; its successor does the assignment anew.
    if (!(error instanceof LinkClosedError)) throw error;
  }
}

/** Queues a report without waiting for the answer: the work goes on whether the server hears of it now or later. */
export function announce(
  ports: Pick<RestorerPorts, 'report' | 'log'>,
  made: EndpointReport,
  signal: AbortSignal,
): void {
  deliver(ports.report, made, signal).catch((error: unknown) => {
    ports.log('warn', `The report ${made.kind} could not be made: ${String(error)}`);
  });
}

export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
