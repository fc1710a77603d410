import { describe, expect, it } from 'vitest';
import { eachLineOf } from '../src/used-blocks/tool.runner.js';

async function linesOf(script: string): Promise<{ isWhole: boolean; lines: string[] }> {
  const lines: string[] = [];
  const isWhole = await eachLineOf('sh', ['-c', script], { timeoutMs: 30_000 }, (line) => lines.push(line));
  return { isWhole, lines };
}

describe('eachLineOf', () => {
  it('hands on whole lines, however they come', async () => {
    const { isWhole, lines } = await linesOf(`printf 'on'; sleep 0.1; printf 'e\\ntwo\\n'; seq 1 100000`);
    expect(isWhole).toBe(true);
    expect(lines.slice(0, 3)).toEqual(['one', 'two', '1']);
    expect(lines).toHaveLength(100_002);
  });

  it.each([
    ['that fails', 'echo line; exit 3'],
    ['that complains', 'echo line; echo hm >&2'],
    ['that prints nothing', 'true'],
  ])('takes nothing from a tool %s', async (_name, script) => {
    expect((await linesOf(script)).isWhole).toBe(false);
  });

  it('takes nothing from a tool that is not there', async () => {
    expect(await eachLineOf('no-such-tool', [], { timeoutMs: 30_000 }, () => undefined)).toBe(false);
  });

  it('says what is wrong with a line, unless the tool itself has failed', async () => {
    const doubting = (script: string) =>
      eachLineOf('sh', ['-c', script], { timeoutMs: 30_000 }, (line) => {
        throw new Error(`not ${line}`);
      });
    await expect(doubting('echo this; echo that')).rejects.toThrow('not this');
    expect(await doubting('echo this; exit 1')).toBe(false);
  });
});
