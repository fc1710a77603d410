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
 * Calls for one machine are not made at the same time. What any driver must keep to is in `test/contract/hci-driver`.
 * @throws TransientError when it may be repeated, PermanentError when it makes no sense to
 */
export interface HciDriver {
  readonly name: string;
  /**
   * Makes the machine with its disks, all zeros, and boots it from restore media. A machine that is there is kept,
   * and its restore environment started again when it does not run; one that boots from its disk is left alone.
   * @param environment asked for only when a restore environment is to be started that has not enrolled yet; one that
   *   has needs no token any more. What it throws is thrown
   */
  ensureInRestoreEnvironment(
    order: TargetVmOrder,
    environment: () => Promise<RestoreEnvironment>,
  ): Promise<{ reference: string }>;
  /**
   * Restarts the machine without restore media, so that it boots from its first disk. Nothing of the restore
   * environment runs or writes any more when this resolves.
   * @throws PermanentError when there is no such machine
   */
  bootFromDisk(targetVmId: string): Promise<void>;
  /**
   * Ends the machine, whatever it is doing, and deletes it and its disks. Nothing there is done, too. Whatever this
   * driver did not make stays as it is. Not for a machine in production: the caller sees to that.
   */
  remove(targetVmId: string): Promise<void>;
}
