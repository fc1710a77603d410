import type { EventFilterRequest } from '../streams/event-filter.js';

export const CONSUMER_STRATEGIES = ['DispatchToSingle', 'RoundRobin', 'Pinned', 'PinnedByCorrelation'] as const;
export type ConsumerStrategyName = (typeof CONSUMER_STRATEGIES)[number];

/** What a group was created (or last updated) with. Kept as JSON in the configuration stream. */
export interface GroupSettings {
  readonly resolveLinks: boolean;
  /** First revision (or position, for `$all`) to deliver; 'end' for what comes after the creation. */
  readonly startFrom: 'start' | 'end' | number;
  readonly extraStatistics: boolean;
  readonly messageTimeoutMs: number;
  /** Deliveries after the first one before a message is parked. */
  readonly maxRetryCount: number;
  readonly checkpointAfterMs: number;
  readonly minCheckpointCount: number;
  readonly maxCheckpointCount: number;
  /** 0 is no limit. */
  readonly maxSubscriberCount: number;
  readonly liveBufferSize: number;
  readonly historyBufferSize: number;
  readonly readBatchSize: number;
  readonly consumerStrategy: string;
  /** Only for `$all`. */
  readonly filter?: EventFilterRequest;
}

/** @returns why the settings cannot be used, in the words of the real server; undefined when they can */
export function settingsFault(settings: GroupSettings): string | undefined {
  if (settings.readBatchSize >= settings.historyBufferSize) {
    return "Specified argument was out of the range of valid values. (Parameter 'ReadBatchSize may not be greater than or equal to BufferSize')";
  }
  if (!CONSUMER_STRATEGIES.some((name) => name === settings.consumerStrategy)) {
    return `Consumer strategy ${settings.consumerStrategy} does not exist.`;
  }
  return undefined;
}
