import type { DiskRoundResult, EndpointReport, SyncRoundAssignment } from '#libs/contracts';
import { LinkClosedError } from '#libs/endpoint-link';
import { AcknowledgedRangesReporter } from './acknowledged-ranges.reporter.js';
import { failureOf, isPathLost, silenceOf } from './failure-of.decision.js';
import { ofAttempt } from './of-attempt.js';
import { RoundAttempt } from './round-attempt.js';
import { RoundInHand } from './round-in-hand.js';
import type { RoundPorts } from './round.ports.js';

/** How an attempt ended: with all disks done, or not. */
type AttemptEnd = { readonly disks: DiskRoundResult[] } | { readonly error: unknown };

/** More would not be faster, as they share the queue depth and the network; fewer would leave a slow disk's time unused. */
export const DISKS_AT_ONCE = 2;

/**
 * Runs sync rounds, attempt by attempt: brings the source to rest, maps its used blocks, has the difference written to
 * the target, and reports. A round ends with exactly one report. An attempt ends without one when the server turned to
 * something else, and with `link-lost` when the link did; what is done is kept in memory for the next attempt.
 */
export class RoundRunner {
  readonly #ports: RoundPorts;
  #inHand: RoundInHand | null = null;

  constructor(ports: RoundPorts) {
    this.#ports = ports;
  }

  /**
   * Works on one attempt of a round. Resolves when the server has answered the report that ends the round; when the link
   * is lost, as soon as it has answered what is to be told before; or soon after the signal aborts.
   */
  async run(assignment: SyncRoundAssignment, signal: AbortSignal): Promise<void> {
    const outcome = (await this.#earlierOutcome(assignment)) ?? (await this.#goOn(assignment, signal));
    if (outcome === null || signal.aborted) return;
    await this.#deliver(outcome, signal);
  }

  /** The end of a round that an earlier process, or this one before it was sent elsewhere, has worked on already. */
  async #earlierOutcome(assignment: SyncRoundAssignment): Promise<EndpointReport | null> {
    const { roundId, assignmentId } = assignment;
    if (this.#inHand?.roundId === roundId) return named(this.#inHand.outcome, assignmentId);
    try {
      const earlier = await this.#ports.state.read();
      if (earlier?.roundId !== roundId) return null;
      if (earlier.state === 'ended') return named(earlier.outcome, assignmentId);
      const detail = 'The agent had begun this round and was interrupted.';
      const outcome = failed(assignment, { code: 'ENDPOINT_RESTARTED', detail });
      await this.#ports.state.write({ state: 'ended', roundId, outcome });
      return outcome;
    } catch (error) {
      return failed(assignment, failureOf(error));
    }
  }

  /** @returns null when the round is not over */
  async #goOn(assignment: SyncRoundAssignment, signal: AbortSignal): Promise<EndpointReport | null> {
    const acknowledged = new AcknowledgedRangesReporter(ofAttempt(assignment), this.#ports.report);
    const round = this.#take(assignment);
    const ended = await this.#attempt(round, assignment, acknowledged, signal);
    const endedMs = this.#ports.scheduler.nowMs();
    const report = await this.#endOf(round, assignment, ended, signal);
    if (report === null) return null;
    // What the target holds is told before how it ended, unless the server has turned to something else.
    await Promise.race([acknowledged.settled(), untilAborted(signal)]);
    if (report.kind !== 'link-lost') return report;
    // The server counts back from the moment of the report.
    this.#reportLost({ ...report, silentMs: report.silentMs + Math.round(this.#ports.scheduler.nowMs() - endedMs) });
    return null;
  }

  /** @returns what there is to report about the end of the attempt */
  async #endOf(
    round: RoundInHand,
    assignment: SyncRoundAssignment,
    ended: AttemptEnd,
    signal: AbortSignal,
  ): Promise<EndpointReport | null> {
    const { roundId, attempt } = assignment;
    if ('disks' in ended) {
      this.#ports.log('info', `Round ${roundId} is complete.`);
      return this.#end(round, { kind: 'round-completed', ...ofAttempt(assignment), disks: ended.disks });
    }
    const { code, detail } = failureOf(ended.error);
    if (signal.aborted) {
      this.#ports.log('info', `Round ${roundId} is put aside. ${round.progress.kept()}`);
      return null;
    }
    if (isPathLost(ended.error)) {
      this.#ports.log(
        'warn',
        `Round ${roundId} lost its link in attempt ${attempt}: ${detail}. ${round.progress.kept()}`,
      );
      return { kind: 'link-lost', ...ofAttempt(assignment), detail, silentMs: silenceOf(ended.error) };
    }
    this.#ports.log('warn', `Round ${roundId} failed: ${JSON.stringify({ code, detail })}`);
    return this.#end(round, failed(assignment, { code, detail }));
  }

  #take(assignment: SyncRoundAssignment): RoundInHand {
    const { roundId, roundKind, taskId, attempt } = assignment;
    this.#ports.log('info', `Round ${roundId} (${roundKind}) of task ${taskId}: attempt ${attempt} begins.`);
    if (this.#inHand?.roundId === roundId) return this.#inHand;
    this.#inHand = new RoundInHand(assignment, this.#ports.digestTables);
    return this.#inHand;
  }

  async #attempt(
    round: RoundInHand,
    assignment: SyncRoundAssignment,
    acknowledged: AcknowledgedRangesReporter,
    signal: AbortSignal,
  ): Promise<AttemptEnd> {
    try {
      await this.#ports.state.write({ state: 'running', roundId: round.roundId });
      return { disks: await new RoundAttempt(this.#ports, round, assignment, acknowledged).run(signal) };
    } catch (error) {
      return { error };
    }
  }

  /** Nobody waits for the answer: the server's next wish is. */
  #reportLost(lost: EndpointReport): void {
    this.#ports.report(lost).catch((error: unknown) => {
      this.#ports.log('warn', `The lost link could not be reported: ${String(error)}`);
    });
  }

  async #end(round: RoundInHand, outcome: EndpointReport): Promise<EndpointReport> {
    const { roundId } = round;
    round.end(outcome);
    // Without the note a restarted agent could not repeat the outcome; the server has to hear it all the same.
    await this.#ports.state.write({ state: 'ended', roundId, outcome }).catch((error: unknown) => {
      this.#ports.log('warn', `The end of round ${roundId} could not be noted: ${String(error)}`);
    });
    return outcome;
  }

  async #deliver(outcome: EndpointReport, signal: AbortSignal): Promise<void> {
    try {
      await Promise.race([this.#ports.report(outcome), untilAborted(signal)]);
    } catch (error) {
      // The program ends; the outcome is noted, and the next process repeats it.
      if (!(error instanceof LinkClosedError)) throw error;
    }
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** An outcome is told in the attempt that asks for it, whichever one it came from. */
function named(outcome: EndpointReport | null, assignmentId: string): EndpointReport | null {
  return outcome === null || outcome.kind === 'inventory' ? outcome : { ...outcome, assignmentId };
}

function failed(assignment: SyncRoundAssignment, failure: ReturnType<typeof failureOf>): EndpointReport {
  return { kind: 'round-failed', ...ofAttempt(assignment), ...failure };
}
