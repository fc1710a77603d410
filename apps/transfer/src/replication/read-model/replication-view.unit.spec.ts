import { describe, expect, it } from 'vitest';
import { replicationView } from '#libs/contracts';
import { fold } from '#libs/eventsourcing';
import type { ReplicationEvent } from '../domain/replication.events.js';
import { replications } from '../replication.aggregate.js';
import * as example from '../replication.examples.js';
import { viewOf } from './replication-view.js';

const {
  DIGESTING,
  FULL_BEGUN,
  FULL_DONE,
  FULL_RUNNING,
  LINK_LOST,
  ROUND_1,
  SETTINGS,
  VERIFIED,
  VERIFYING,
  after,
  failed,
  failedForNow,
  opened,
  paused,
  prepared,
  resumed,
  stopped,
  windowOpened,
} = example;

const viewAfter = (history: readonly ReplicationEvent[]) =>
  replicationView.parse(viewOf(fold(replications.decider, history)!, []));

describe('what people see of a replication', () => {
  it.each<[string, string, readonly ReplicationEvent[]]>([
    ['opening-exports', 'a round has begun', FULL_RUNNING],
    ['connecting', 'its exports are open', [...FULL_RUNNING, opened(ROUND_1)]],
    ['transferring', 'its link is there', FULL_BEGUN],
    ['transferring', 'only the control channel is lost', [...FULL_BEGUN, example.left(ROUND_1, 'agent')]],
    ['link-lost', 'its link is lost', LINK_LOST],
    ['link-lost', 'its disks are served again', [...LINK_LOST, opened(ROUND_1, 2)]],
    ['paused', 'a round is paused', [...FULL_BEGUN, paused]],
    ['paused', 'nothing was in hand', [...FULL_DONE, paused]],
    ['opening-exports', 'a pause is over', [...LINK_LOST, paused, resumed, windowOpened(ROUND_1, 3)]],
    ['waiting-for-retry', 'a round is tried again', [...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]],
    ['stopped', 'the task is cancelled', [...FULL_BEGUN, failed(ROUND_1, 'full'), stopped]],
    ['idle', 'a round is complete', FULL_DONE],
    ['idle', 'a round has failed', [...FULL_BEGUN, failed(ROUND_1, 'full')]],
    ['verifying', 'the target is to be compared', VERIFYING],
    ['verifying', 'it is compared', DIGESTING],
    ['opening-exports', 'it is to be repaired', example.REPAIR_RUNNING],
    ['transferring', 'it is repaired', example.REPAIR_BEGUN],
    [
      'waiting-for-retry',
      'the repair is tried again',
      [...example.REPAIR_BEGUN, ...failedForNow(example.ROUND_4, 'final')],
    ],
    ['verifying', 'it is compared after the repair', example.REPAIR_DONE],
    ['idle', 'it differs all the same', example.DIFFERED],
    ['idle', 'it is verified', VERIFIED],
  ])('is %s when %s', (activity, _when, history) => {
    expect(viewAfter(history).activity).toBe(activity);
  });

  it('is how it deals with interruptions', () => {
    expect(viewAfter([prepared]).settings).toEqual(SETTINGS);
  });

  it('is what it waits for, and how long', () => {
    const [openedAt, deadlineAt] = [after(0), after(SETTINGS.resumeWindowSeconds)];
    expect(viewAfter(LINK_LOST).resumeWindow).toEqual({ cause: 'link-lost', openedAt, deadlineAt });
    expect(viewAfter(FULL_BEGUN).resumeWindow).toBeNull();
  });

  it('is when it is tried again', () => {
    expect(viewAfter([...FULL_BEGUN, ...failedForNow(ROUND_1, 'full')]).retryAt).toBe(after(60));
    expect(viewAfter(FULL_BEGUN).retryAt).toBeNull();
  });

  it('is why a verification failed', () => {
    expect(viewAfter([...DIGESTING, example.verificationFailed]).verification).toMatchObject({
      status: 'failed',
      failure: example.FAILURE,
    });
  });
});
