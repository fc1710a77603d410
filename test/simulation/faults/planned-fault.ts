import type { ServiceName } from '../services/service.js';
import type { HypervisorFault } from '../ends/hypervisor.js';
import type { BusFault } from '../world/service-bus.js';
import type { DeliveryFault } from '../world/reader.js';

export type PathName = 'data' | 'agent' | 'restorer';

/** Something that breaks, and mends after a while. */
export type Fault =
  | { readonly kind: 'service-crash'; readonly services: readonly ServiceName[]; readonly downMs: number }
  | { readonly kind: 'store-away'; readonly downMs: number }
  | { readonly kind: 'nats-away'; readonly downMs: number }
  | { readonly kind: 'hci-away'; readonly downMs: number }
  | { readonly kind: 'agent-crash'; readonly downMs: number; readonly areTablesLost: boolean }
  /** Null: the machine stays off for good. */
  | { readonly kind: 'source-off'; readonly downMs: number | null }
  | { readonly kind: 'restorer-crash'; readonly downMs: number }
  | { readonly kind: 'target-power-loss'; readonly downMs: number }
  | { readonly kind: 'nbdkit-death' }
  /** A block of the target changes of itself: nobody but the verification can see that. */
  | { readonly kind: 'block-damaged' }
  | { readonly kind: 'cut'; readonly paths: readonly PathName[]; readonly downMs: number }
  | { readonly kind: 'connection-reset'; readonly path: PathName }
  /** The data path is cut, and restored at the deadline of the window that this opens, or so many milliseconds beside. */
  | { readonly kind: 'cut-to-the-deadline'; readonly offsetMs: number }
  /** The server goes down while a window is open, and is back so long after the deadline (before it: negative). */
  | { readonly kind: 'down-over-the-deadline'; readonly services: readonly ServiceName[]; readonly backMs: number };

/** A fault and when it strikes, in milliseconds from the beginning of the run. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly atMs: number;
  /** It waits for the next event of this type, and so much longer: so it strikes in the middle of things. */
  readonly after: { readonly eventType: string; readonly delayMs: number } | null;
}

export type PlannedFaultKind = Fault['kind'];

/** Everything that may go wrong, planned or by chance on the way of a message. */
export type FaultKind =
  | PlannedFaultKind
  | BusFault
  | DeliveryFault
  | HypervisorFault
  | 'append-lost'
  | 'append-answer-lost'
  | 'checkpoint-back'
  | 'checkpoint-lost'
  | 'report-twice';
