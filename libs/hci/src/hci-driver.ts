/** A target VM as a driver is asked to make it. Sizes in bytes. */
export interface TargetVmOrder {
  /** Ours; the same order twice must give the same machine once. */
  readonly targetVmId: string;
  readonly name: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly disks: readonly { readonly diskId: string; readonly sizeBytes: number }[];
}

/** What the restore environment needs to find its way home. */
export interface RestoreEnvironment {
  readonly serverUrl: string;
  /** One-time enrolment token. */
  readonly token: string;
}

/**
 * A hyper-converged platform. Every call is idempotent by `targetVmId`: after a lost reply it is simply made again.
 * @throws TransientError when it may be repeated, PermanentError when it makes no sense to
 */
export interface HciDriver {
  readonly name: string;
  /**
   * Makes the machine with its disks, all zeros, and boots it from restore media. A machine that is there is kept,
   * and started when it is off. `environment` is asked for only when the machine has never been started.
   */
  ensureInRestoreEnvironment(
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
  ): Promise<{ reference: string }>;
  /** Restarts the machine without restore media, so that it boots from its first disk. */
  bootFromDisk(targetVmId: string): Promise<void>;
}
