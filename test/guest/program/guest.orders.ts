import type { BusyDisk } from '../../fault/tracked-rounds/busy-writer.js';
import type { EndpointReport, MachineInventory, SyncRoundAssignment } from '#libs/contracts';

/** Something to write to without a rest. */
export interface WriterOrder {
  readonly disk: BusyDisk;
  readonly seed: number;
}

export interface GuestRound {
  readonly reports: readonly EndpointReport[];
  readonly log: readonly string[];
}

/** What a guest can be asked, and what it answers. */
export interface GuestAnswers {
  /** A script of `sh -e`; its standard output. */
  shell: { asks: { readonly script: string }; answers: string };
  inventory: { asks: object; answers: MachineInventory };
  /** Files below a folder, with kind, mode, size and SHA-256. */
  tree: { asks: { readonly folder: string }; answers: string };
  'start-writers': { asks: { readonly writers: readonly WriterOrder[] }; answers: null };
  /** Rejects when one of them had ended by itself. */
  'stop-writers': { asks: object; answers: null };
  /** One attempt of a round. A final one says `held` when all is read, and goes on when it is let go. */
  round: { asks: { readonly assignment: SyncRoundAssignment }; answers: GuestRound };
  'let-go': { asks: object; answers: null };
}

export type GuestOrderKind = keyof GuestAnswers;

/** One line of JSON each. */
export type GuestOrder = {
  [Kind in GuestOrderKind]: { readonly id: number; readonly kind: Kind } & GuestAnswers[Kind]['asks'];
}[GuestOrderKind];

export type GuestNews =
  | { readonly ready: { readonly kernel: string; readonly certificate: string } }
  | { readonly held: readonly string[] }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: string };
