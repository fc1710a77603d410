/**
 * The seeded simulation of whole migrations.
 *
 *   npm run simulate -- [--runs 1000] [--seed 1] [--mutation name] [--workers 2]
 *
 * `--seed` alone plays that one run. Exit code 0 when nothing was found, 1 otherwise; with `--mutation` there is
 * something to be found, and 0 says that it was.
 */
import { failureLines } from './run/report-failure.js';
import { Summary } from './run/summary.js';
import { type Wish, WishError, wishOf } from './run/wish.js';
import type { RunAnswer, RunOrder } from './run/worker.js';
import { playAll } from './run/workers.js';

/** After so many failed runs, more of them tell nothing new. */
const ENOUGH_FAILURES = 3;
const TELL_EVERY_MS = 30_000;

const say = (lines: readonly string[]): void => {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
};

function* ordersOf({ firstSeed, runs, mutation }: Wish): Generator<RunOrder> {
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) yield { seed, mutation };
}

const play = async (wish: Wish): Promise<number> => {
  const summary = new Summary();
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  let failures = 0;
  const onAnswer = (answer: RunAnswer): boolean => {
    if ('broken' in answer) {
      failures += 1;
      say([`BROKEN  seed ${answer.seed}: ${answer.broken}`]);
    } else {
      summary.add(answer.outcome);
      if (answer.outcome.violation !== null) failures += 1;
      say(failureLines(answer.outcome));
    }
    return wish.mutation === null ? failures < ENOUGH_FAILURES : failures === 0;
  };
  const telling = setInterval(() => say([`${summary.runs} runs in ${seconds().toFixed(0)} s`]), TELL_EVERY_MS);
  try {
    await playAll(ordersOf(wish), Math.min(wish.workers, wish.runs), onAnswer);
  } finally {
    clearInterval(telling);
  }
  say(summary.lines(seconds()));
  if (wish.mutation === null) return failures === 0 ? 0 : 1;
  say([failures > 0 ? `${wish.mutation} was caught` : `${wish.mutation} was NOT caught`]);
  return failures > 0 ? 0 : 1;
};

try {
  process.exitCode = await play(wishOf(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof WishError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
