import { Worker } from 'node:worker_threads';
import type { RunAnswer, RunOrder } from './worker.js';

/** Orders that one worker has at a time, so that none waits for the way of a message. */
const ORDERS_UNDER_WAY = 2;

/**
 * Plays runs on several threads, in no particular order.
 * @param onAnswer false: enough, no other run begins
 */
export const playAll = async (
  orders: Iterator<RunOrder>,
  workerCount: number,
  onAnswer: (answer: RunAnswer) => boolean,
): Promise<void> => {
  let isEnough = false;
  const next = (): RunOrder | null => {
    if (isEnough) return null;
    const following = orders.next();
    return following.done === true ? null : following.value;
  };
  await Promise.all(
    Array.from({ length: workerCount }, () => employ(next, (answer) => (isEnough ||= !onAnswer(answer)))),
  );
};

const employ = (next: () => RunOrder | null, onAnswer: (answer: RunAnswer) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    let underWay = 0;
    const order = (): void => {
      while (underWay < ORDERS_UNDER_WAY) {
        const following = next();
        if (following === null) break;
        underWay += 1;
        worker.postMessage(following);
      }
      if (underWay === 0) void worker.terminate().then(() => resolve());
    };
    worker.on('message', (answer: RunAnswer) => {
      underWay -= 1;
      onAnswer(answer);
      order();
    });
    worker.on('error', reject);
    order();
  });
