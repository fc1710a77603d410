import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attemptId, ROUND_ID, TASK_ID } from './round-fixture.fake.js';
import { RoundStateFile, type RoundState } from './round-state.file.js';

describe('RoundStateFile', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-round-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('reads back either state, and nothing where there is none', async () => {
    const file = new RoundStateFile(join(folder, 'round.json'));
    expect(await file.read()).toBeNull();
    const ofRound = { taskId: TASK_ID, assignmentId: attemptId(1), roundId: ROUND_ID };
    const failed = { kind: 'round-failed', ...ofRound } as const;
    const states: RoundState[] = [
      { state: 'running', roundId: ROUND_ID },
      { state: 'ended', roundId: ROUND_ID, outcome: { ...failed, code: 'INTERNAL_ERROR', detail: '' } },
    ];
    for (const state of states) {
      await file.write(state);
      expect(await file.read()).toEqual(state);
    }
  });

  it('says what the disk of the state folder refuses', async () => {
    const refused = (what: string): unknown =>
      expect.objectContaining({ code: 'DIGEST_TABLE_FAILED', detail: expect.stringContaining(what) as string });
    const running = { state: 'running', roundId: ROUND_ID } as const;
    const inNoFolder = new RoundStateFile(join(folder, 'nowhere', 'round.json'));
    await expect(inNoFolder.write(running)).rejects.toEqual(refused('cannot be written: ENOENT'));
    // A folder in the place of the file.
    await expect(new RoundStateFile(folder).read()).rejects.toEqual(refused('cannot be read: EISDIR'));
  });

  it.each(['', '{"state":"running"}', `{"state":"running","assignmentId":"${ROUND_ID}"}`, 'nonsense'])(
    'takes %j for no state',
    async (text) => {
      const path = join(folder, 'round.json');
      await writeFile(path, text);
      expect(await new RoundStateFile(path).read()).toBeNull();
    },
  );
});
