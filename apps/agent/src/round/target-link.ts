import type { NbdExport } from '#libs/contracts';
import { backoffDelayMs, pause } from '#libs/endpoint-link';
import { isPathLost } from './failure-of.decision.js';
import type { RoundPorts } from './round.ports.js';

type LinkPorts = Pick<RoundPorts, 'reachTarget' | 'scheduler' | 'random'>;

/**
 * Tries until the target is reached, half a second after the first failure and eight seconds in the end.
 * Rejects with an EndpointFailure that waiting does not mend, or with the signal's reason.
 */
export async function reachPatiently(ports: LinkPorts, target: NbdExport, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      await ports.reachTarget(target, signal);
      return;
    } catch (error) {
      if (!isPathLost(error)) throw error;
    }
    await pause(ports.scheduler, backoffDelayMs(failures, ports.random()), signal);
  }
}
