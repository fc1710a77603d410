import type { Disk } from '#libs/contracts';
import { SourceQuiesce, type SourceQuiesceOptions } from '../../../apps/agent/src/quiesce/source-quiesce.js';
import type { SourceAtRest } from '../../../apps/agent/src/round/round.ports.js';

/** Long enough for the host to copy a disk and to read all files of the guest while nothing moves. */
const LIMIT_SECONDS = 300;

/** As the agent does it, except that what is held is let go only when the host has seen it. */
export class QuiesceUntilLetGo extends SourceQuiesce {
  private wake: () => void = () => undefined;

  constructor(
    options: SourceQuiesceOptions,
    private readonly onRead: (mountPoints: readonly string[]) => void,
  ) {
    super({ limitSeconds: LIMIT_SECONDS, ...options });
  }

  override async hold(disks: readonly Disk[]): Promise<SourceAtRest> {
    const { held, notHeld } = await super.hold(disks);
    const { mountPoints, lost } = held;
    const release = async (): Promise<boolean> => {
      const letGo = new Promise<void>((resolve) => (this.wake = resolve));
      this.onRead(mountPoints);
      await letGo;
      return held.release();
    };
    return { held: { mountPoints, lost, release }, notHeld };
  }

  async letGo(): Promise<void> {
    this.wake();
  }
}
