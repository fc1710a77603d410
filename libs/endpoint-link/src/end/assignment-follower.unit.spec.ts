import type { Assignment } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { AssignmentFollower } from './assignment-follower.js';

const serve = (assignmentId: string): Assignment => ({
  kind: 'serve-exports',
  assignmentId,
  taskId: 'task',
  roundId: 'round',
  attempt: 1,
  disks: [{ diskId: 'd', sizeBytes: 1 }],
});
const idle: Assignment = { kind: 'idle', assignmentId: 'idle' };

/** Work that lasts until it is aborted or finished from outside, and writes down what happens. */
function recordedWork(): {
  follower: AssignmentFollower;
  diary: string[];
  finish: (assignmentId: string) => void;
  releaseAborted: () => void;
} {
  const diary: string[] = [];
  const finishers = new Map<string, () => void>();
  const aborted: (() => void)[] = [];
  const follower = new AssignmentFollower(
    (assignment, signal) =>
      new Promise<void>((resolve) => {
        diary.push(`begin ${assignment.assignmentId}`);
        const end = (how: string) => (): void => {
          diary.push(`${how} ${assignment.assignmentId}`);
          resolve();
        };
        finishers.set(assignment.assignmentId, end('finish'));
        signal.addEventListener('abort', () => aborted.push(end('abort')));
      }),
    (assignment, error) => diary.push(`crash ${assignment.assignmentId} ${String(error)}`),
  );
  return {
    follower,
    diary,
    finish: (id) => finishers.get(id)?.(),
    releaseAborted: () => {
      for (const release of aborted.splice(0)) release();
    },
  };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('AssignmentFollower', () => {
  it('does the work of an assignment once, however often it comes', async () => {
    const { follower, diary, finish } = recordedWork();
    follower.follow(serve('a'));
    follower.follow(serve('a'));
    expect(follower.inHand).toBe('a');
    finish('a');
    await turn();
    follower.follow(serve('a'));
    await turn();
    expect(diary).toEqual(['begin a', 'finish a']);
    expect(follower.inHand).toBeNull();
  });

  it('ends the work in hand before the next begins', async () => {
    const { follower, diary, releaseAborted } = recordedWork();
    follower.follow(serve('a'));
    follower.follow(serve('b'));
    await turn();
    expect(diary).toEqual(['begin a']);
    releaseAborted();
    await turn();
    expect(diary).toEqual(['begin a', 'abort a', 'begin b']);
    expect(follower.inHand).toBe('b');
  });

  it('takes only the newest wish when several come while work winds down', async () => {
    const { follower, diary, releaseAborted } = recordedWork();
    for (const id of ['a', 'b', 'c']) follower.follow(serve(id));
    releaseAborted();
    await turn();
    expect(diary).toEqual(['begin a', 'abort a', 'begin c']);
  });

  it('begins abandoned work anew when it is wanted again', async () => {
    const { follower, diary, releaseAborted } = recordedWork();
    follower.follow(serve('a'));
    follower.follow(idle);
    follower.follow(serve('a'));
    releaseAborted();
    await turn();
    expect(diary).toEqual(['begin a', 'abort a', 'begin a']);
  });

  it('goes on after idle, and stops when told', async () => {
    const { follower, diary, finish, releaseAborted } = recordedWork();
    follower.follow(idle);
    follower.follow(serve('a'));
    finish('a');
    await turn();
    follower.follow(idle);
    follower.follow(serve('b'));
    const stopped = follower.stop();
    releaseAborted();
    await stopped;
    expect(diary).toEqual(['begin a', 'finish a', 'begin b', 'abort b']);
  });

  it('reports a crash and takes the next assignment', async () => {
    const diary: string[] = [];
    const follower = new AssignmentFollower(
      async (assignment) => {
        diary.push(`begin ${assignment.assignmentId}`);
        throw new Error('boom');
      },
      (assignment, error) => diary.push(`crash ${assignment.assignmentId} ${String(error)}`),
    );
    follower.follow(serve('a'));
    await turn();
    follower.follow(serve('b'));
    await turn();
    expect(diary).toEqual(['begin a', 'crash a Error: boom', 'begin b', 'crash b Error: boom']);
  });
});
