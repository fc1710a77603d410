import type { LogRecord } from '../storage/record.js';
import type { Finding, Follower } from './follow.js';
import type { ReadingTurns } from './reading-turns.js';

/** Events a live reader may be behind before it is told that it fell behind. */
const LIVE_BUFFER_EVENTS = 32;

/** Where what a follower finds goes. */
export interface Outlet {
  readonly closed: boolean;
  /** @returns false when the reader does not keep up: wait for `drained` */
  event(record: LogRecord): boolean;
  checkpoint(position: number): boolean;
  caughtUp(): boolean;
  /** @returns false when the reader is to be dropped instead of told */
  fellBehind(): boolean;
  drained(): Promise<void>;
  onClose(listener: () => void): () => void;
}

/** Sends what `follower` finds until the reader goes. @returns whether the stream was deleted, which ends it too */
export async function pump(
  follower: Follower,
  outlet: Outlet,
  turns: ReadingTurns,
): Promise<'closed' | 'deleted' | 'too-slow'> {
  let live = false;
  for (;;) {
    await turns.next();
    if (outlet.closed) return 'closed';
    const finding = follower.next();
    if (finding.kind === 'deleted') return 'deleted';
    if (finding.kind === 'nothing') {
      await news(follower, outlet);
      continue;
    }
    if (finding.kind === 'caught-up') live = true;
    const kept = await send(finding, outlet);
    if (kept || !live || follower.backlog(LIVE_BUFFER_EVENTS + 1) <= LIVE_BUFFER_EVENTS) continue;
    live = false;
    follower.fellBehind();
    if (!outlet.fellBehind()) return 'too-slow';
  }
}

/** @returns whether the reader kept up */
async function send(finding: Finding, outlet: Outlet): Promise<boolean> {
  let kept = true;
  switch (finding.kind) {
    case 'events':
      for (const record of finding.records) {
        if (outlet.event(record)) continue;
        kept = false;
        await outlet.drained();
        if (outlet.closed) return kept;
      }
      return kept;
    case 'checkpoint':
      return outlet.checkpoint(finding.position);
    case 'caught-up':
      return outlet.caughtUp();
    default:
      return kept;
  }
}

/** Waits until something was committed or the reader has gone. */
function news(follower: Follower, outlet: Outlet): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const wake = (): void => {
      for (const stop of stops.splice(0)) stop();
      resolve();
    };
    stops.push(follower.onNews(wake));
    stops.push(outlet.onClose(wake));
  });
}
