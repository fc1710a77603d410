import type { Disk } from '#libs/contracts';
import type { HeldFileSystems } from '../../../apps/agent/src/quiesce/hold-file-systems.js';
import { SourceQuiesce, type SourceQuiesceOptions } from '../../../apps/agent/src/quiesce/source-quiesce.js';

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

  override async hold(disks: readonly Disk[]): Promise<HeldFileSystems> {
    const held = await super.hold(disks);
    const { mountPoints, lost } = held;
    return {
      ...{ mountPoints, lost },
      release: async () => {
        const letGo = new Promise<void>((resolve) => (this.wake = resolve));
        this.onRead(mountPoints);
        await letGo;
        return held.release();
      },
    };
  }

  async letGo(): Promise<void> {
    this.wake();
  }
}
