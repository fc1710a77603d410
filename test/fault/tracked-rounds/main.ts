/**
 * Seeded rounds over a real disk under a writer that never stops, with faults.
 *
 *   npm run fault:rounds -- --runs 1000 [--seed 1]
 *
 * Needs root, loop devices and tracefs. Ends at the first difference between source and target, with exit code 1.
 */
import { parseArgs } from 'node:util';
import { playCampaign } from './campaign.js';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});
const settings = { rounds: Number(values.runs), seed: Number(values.seed) };
const say = (line: string): void => void process.stdout.write(`${line}\n`);
try {
  if (!Object.values(settings).every(Number.isSafeInteger)) throw new Error('--runs and --seed are whole numbers');
  say(`done: ${JSON.stringify(await playCampaign({ ...settings, say }))}`);
} catch (error) {
  say(`seed ${settings.seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
}
