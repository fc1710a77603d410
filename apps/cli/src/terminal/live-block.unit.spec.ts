import { describe, expect, it } from 'vitest';
import { LiveBlock } from './live-block.js';
import type { Output } from './output.js';
import { plainPaint } from './paint.js';

const recording = (isTerminal: boolean, columns = 40) => {
  const written: string[] = [];
  const output: Output = { isTerminal, columns, paint: plainPaint, write: (text) => void written.push(text) };
  return { output, take: () => written.splice(0).join('') };
};

describe('lines that change in place', () => {
  it('are drawn over the lines before, as many rows up as those took', () => {
    const { output, take } = recording(true);
    const block = new LiveBlock(output);
    block.show(['one', 'x'.repeat(41)]);
    expect(take()).toBe(`\r\u001b[0Jone\n${'x'.repeat(41)}\n`);
    block.show(['two']);
    expect(take()).toBe('\u001b[3A\r\u001b[0Jtwo\n');
    block.show(['two']);
    expect(take()).toBe('');
  });

  it('stay below a line that is said', () => {
    const { output, take } = recording(true);
    const block = new LiveBlock(output);
    block.show(['now']);
    take();
    block.say('done');
    expect(take()).toBe('\u001b[1A\r\u001b[0Jdone\n\r\u001b[0Jnow\n');
    block.end('clear');
    expect(take()).toBe('\u001b[1A\r\u001b[0J');
  });

  it('are printed every three seconds where there is no terminal, and at once under a new heading', () => {
    const { output, take } = recording(false);
    let now = 0;
    const block = new LiveBlock(output, () => now);
    block.show(['step', '1 %']);
    expect(take()).toBe('step\n1 %\n');
    now = 2_999;
    block.show(['step', '2 %']);
    expect(take()).toBe('');
    now = 3_000;
    block.show(['step', '3 %']);
    expect(take()).toBe('step\n3 %\n');
    block.show(['next step']);
    expect(take()).toBe('next step\n');
    block.say('done');
    expect(take()).toBe('done\n');
  });
});
