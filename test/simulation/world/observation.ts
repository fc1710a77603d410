import type { Content } from '../ends/contents.js';

interface OfBlock {
  readonly taskId: string;
  readonly roundId: string;
  readonly roundKind: 'full' | 'incremental' | 'final';
  readonly attempt: number;
  readonly diskId: string;
  readonly block: number;
  readonly content: Content;
}

/** What really happens outside the services, as nobody in the world sees it as a whole; checkers do. */
export type Observation =
  | { readonly kind: 'source-written'; readonly diskId: string; readonly block: number }
  | { readonly kind: 'services-stopped' }
  | { readonly kind: 'services-started' }
  /** The agent sent a block, and the target has, or may have, it. */
  | ({ readonly kind: 'block-sent' } & OfBlock)
  /** The agent holds the target's word that a block is durable. */
  | ({ readonly kind: 'block-acknowledged' } & OfBlock)
  /** The agent has its data path in this attempt. */
  | { readonly kind: 'link-established'; readonly roundId: string; readonly assignmentId: string }
  | { readonly kind: 'final-read-begun'; readonly roundId: string }
  | { readonly kind: 'block-damaged'; readonly targetVmId: string; readonly diskId: string; readonly block: number }
  | { readonly kind: 'target-lost-power'; readonly targetVmId: string }
  | { readonly kind: 'machine-created'; readonly targetVmId: string }
  | { readonly kind: 'machine-booting-from-disk'; readonly targetVmId: string }
  | { readonly kind: 'machine-removed'; readonly targetVmId: string };

export type Observer = (observation: Observation) => void;
