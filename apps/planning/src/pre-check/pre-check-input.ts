import type { MachineInventory, TargetSpecification } from '#libs/contracts';
import type { Concern } from './concern.js';

/** A disk of the target VM as it was asked for. */
export type RequestedDisk = TargetSpecification['disks'][number];
export type Allocation = RequestedDisk['allocation'];

/** Everything a pre-check may know: what the source reported, where it is to go, and what was asked for. */
export interface PreCheckInput {
  /** What the source reported, with the disks that are to be migrated and no others. */
  readonly inventory: MachineInventory;
  /** The driver's name and the platform's version as the platform states it. */
  readonly site: { readonly driver: string; readonly version: string };
  readonly target: TargetSpecification;
  readonly options: {
    /** Copy the non-zero blocks of disks without partitions and file system. */
    readonly copyRawDisks: boolean;
  };
}

/** One check: none, one or, where it is about disks, several concerns. Pure. */
export type PreCheck = (input: PreCheckInput) => readonly Concern[];
