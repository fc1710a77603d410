import { afterEach, describe, expect, it } from 'vitest';
import { exampleDocument, exampleProgress, exampleTask } from '../../../apps/cli/src/gateway/example-documents.js';
import { UnexpectedAnswer } from '../../../apps/cli/src/gateway/gateway.errors.js';
import type { TaskDocument, TaskMessage } from '../../../apps/cli/src/gateway/task-document.js';
import { plainPaint } from '../../../apps/cli/src/terminal/paint.js';
import { WaitedInVain } from '../machine/wait-for.js';
import { TaskFollower, TaskHalted } from './task-follower.js';

const document = (changes: Parameters<typeof exampleTask>[0]): TaskMessage => ({
  type: 'document',
  document: exampleDocument({ task: exampleTask(changes) }),
});
const isCompleted = ({ task }: TaskDocument) => (task.status === 'completed' ? task : undefined);
const goesOn = new AbortController().signal;

describe('following a task', () => {
  let follower: TaskFollower | undefined;
  afterEach(() => follower?.stop());

  /** @param end what the stream ends with; without one it stays open */
  const follow = (messages: readonly TaskMessage[], end?: Error) => {
    const gateway = {
      async *progress(_taskId: string, signal?: AbortSignal): AsyncGenerator<TaskMessage> {
        for (const message of messages) {
          await Promise.resolve();
          yield message;
        }
        if (end !== undefined) throw end;
        await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      },
    };
    follower = new TaskFollower(gateway, 'task');
    return follower;
  };

  it('waits for a wish to be fulfilled, and finds what is so already', async () => {
    const following = follow([document({}), document({ status: 'completed', step: 'Completed' })]);
    expect(await following.until('the end', isCompleted, 1_000, goesOn)).toMatchObject({ step: 'Completed' });
    expect(await following.until('the end', isCompleted, 1_000, goesOn)).toMatchObject({ step: 'Completed' });
  });

  it('shows what goes on', async () => {
    const following = follow([document({}), { type: 'progress', progress: exampleProgress(0, 500) }]);
    await following.until('the state', () => true, 1_000, goesOn);
    await expect.poll(() => following.render(80, plainPaint).length).toBeGreaterThanOrEqual(1);
    expect(following.render(80, plainPaint)[0]).toMatch(/^ {2}Keeping the target in sync/);
  });

  it('gives up when the task halts, in time, when called off, and when the stream fails', async () => {
    const halt = { code: 'TARGET_DISK_FULL', detail: 'no space left', remedy: 'Make room.' };
    const halted = follow([document({ status: 'halted', halt })]);
    await expect(halted.until('the end', isCompleted, 1_000, goesOn)).rejects.toThrow(TaskHalted);
    halted.stop();

    const slow = follow([document({})]);
    await expect(slow.until('the end', isCompleted, 20, goesOn)).rejects.toThrow(WaitedInVain);
    const calledOff = new AbortController();
    const waiting = slow.until('the end', isCompleted, 60_000, calledOff.signal);
    calledOff.abort(new Error('called off'));
    await expect(waiting).rejects.toThrow('called off');
    slow.stop();

    const broken = follow([document({})], new UnexpectedAnswer('not what was agreed'));
    await expect(broken.until('the end', isCompleted, 1_000, goesOn)).rejects.toThrow(UnexpectedAnswer);
  });
});
