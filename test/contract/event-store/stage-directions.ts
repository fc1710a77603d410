/**
 * What a recording does not say of itself: which of several open calls a step looks at, and what happened between
 * two steps without being recorded. Open calls are numbered in the order they were opened.
 */
export interface StageDirections {
  /** Step -> the open call it looks at; without an entry the one opened last. */
  readonly looksAt?: Readonly<Record<number, number>>;
  /** Step -> open calls that were closed before it. */
  readonly closes?: Readonly<Record<number, readonly number[]>>;
  /** Step -> milliseconds that passed before it. */
  readonly waits?: Readonly<Record<number, number>>;
  /** Step -> events appended to a stream nobody looks at, one by one. */
  readonly appends?: Readonly<Record<number, { readonly stream: string; readonly count: number }>>;
  /** Step -> milliseconds of silence that show that nothing more comes. */
  readonly silences?: Readonly<Record<number, number>>;
}

const others = { stream: 'golden_subscribe_to_all_checkpoints-many', count: 12 };

export const stageDirections: Readonly<Record<string, StageDirections>> = {
  'metadata: truncate before, max age, cache control, custom': { waits: { 17: 2_200 } },
  'subscribe to a stream': {
    looksAt: { 9: 5, 10: 6 },
    closes: { 2: [0], 3: [1], 4: [2], 5: [3], 6: [4] },
  },
  'subscribe to a stream that comes later': { looksAt: { 3: 0, 4: 1, 6: 0, 8: 0, 10: 0, 11: 1 } },
  'subscribe to all: filtered': { closes: { 4: [0], 8: [1] } },
  'subscribe to all: checkpoints': {
    appends: { 1: others, 5: others, 9: others },
    closes: { 4: [0], 8: [1], 12: [2] },
  },
  'persistent: consume, acknowledge': { closes: { 6: [0], 10: [1], 11: [2] }, waits: { 6: 300, 10: 600 } },
  'persistent: several consumers': { looksAt: { 5: 0, 6: 1, 7: 1, 9: 1 }, closes: { 7: [0] } },
  'persistent: time-out': { silences: { 4: 2_500 } },
};
