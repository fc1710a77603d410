import { describe, expect, it } from 'vitest';
import type { Output } from '../../../apps/cli/src/terminal/output.js';
import { plainPaint } from '../../../apps/cli/src/terminal/paint.js';
import { StepLog } from './step-log.js';

const plainLog = () => {
  const lines: string[] = [];
  const write = (text: string) => void lines.push(...text.trimEnd().split('\n'));
  const output: Output = { isTerminal: false, columns: 100, paint: plainPaint, write };
  return { log: new StepLog(output), lines };
};

describe('the log of steps', () => {
  it('says what goes on, then how it ended and how long it took', async () => {
    const { log, lines } = plainLog();
    log.showBelow(() => ['  50 %']);
    expect(
      await log.step(
        'Full round',
        async () => 42,
        (result) => `${result} bytes`,
      ),
    ).toBe(42);
    expect(lines[0]).toBe('▶ Full round');
    expect(lines[1]).toBe('  50 %');
    expect(lines[2]).toMatch(/^✔ Full round {18}42 bytes {2}0\.\d s$/);
    expect(lines).toHaveLength(3);
  });

  it('marks a step that failed, and passes its error on', async () => {
    const { log, lines } = plainLog();
    const failing = log.step(
      'Verification',
      async () => {
        throw new Error('differs');
      },
      () => 'equal',
    );
    await expect(failing).rejects.toThrow('differs');
    expect(lines.at(-1)).toMatch(/^✘ Verification +0\.\d s$/);
  });
});
