import { describe, expect, it } from 'vitest';
import { ENDPOINT_FAILURE_REMEDIES, type EndpointReport, endpointFailureCode } from '#libs/contracts';
import { handleCommand, load } from '#libs/eventsourcing';
import type { EventStoreDb } from '#libs/eventstore';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import { replications } from '../replication/replication.aggregate.js';
import {
  AGENT,
  EXPORTS,
  ORDER,
  RESTORER,
  TASK,
  VERIFICATION,
  ROUND_1,
  digests,
  results,
} from '../replication/replication.examples.js';
import { ReportHandler, commandOf } from './report-handler.js';

const ofRound = { taskId: TASK, assignmentId: ROUND_1 };
const ofVerification = { taskId: TASK, assignmentId: VERIFICATION };
const failing = { code: 'TARGET_DISK_FULL', detail: 'No space left on device.' } as const;
const failure = { ...failing, remedy: ENDPOINT_FAILURE_REMEDIES.TARGET_DISK_FULL };

describe('what a report means for its replication', () => {
  it.each<[EndpointReport, unknown]>([
    [
      { kind: 'exports-opened', ...ofRound, exports: EXPORTS },
      { type: 'NoteExportsOpened', roundId: ROUND_1, exports: EXPORTS },
    ],
    [
      { kind: 'round-completed', ...ofRound, disks: results() },
      { type: 'CompleteSyncRound', roundId: ROUND_1, disks: results() },
    ],
    [
      { kind: 'round-failed', ...ofRound, ...failing },
      { type: 'FailSyncRound', roundId: ROUND_1, failure },
    ],
    [
      { kind: 'exports-failed', ...ofRound, ...failing },
      { type: 'FailSyncRound', roundId: ROUND_1, failure },
    ],
    [
      { kind: 'digests-computed', ...ofVerification, disks: digests() },
      { type: 'CompareDigests', verificationId: VERIFICATION, disks: digests() },
    ],
    [
      { kind: 'digests-failed', ...ofVerification, ...failing },
      { type: 'FailVerification', verificationId: VERIFICATION, failure },
    ],
    [{ kind: 'ranges-acknowledged', ...ofRound, diskId: 'disk-a', ranges: [] }, null],
  ])('$kind', (report, command) => {
    expect(commandOf(report)).toEqual(command);
  });

  it('names a remedy for every failure', () => {
    for (const code of endpointFailureCode.options) {
      expect(commandOf({ kind: 'round-failed', ...ofRound, code, detail: '' })).toMatchObject({
        failure: { code, remedy: expect.stringMatching(/\.$/) },
      });
    }
  });
});

describe('who may report', () => {
  const scene = async () => {
    const store = new InMemoryEventStore();
    await handleCommand(store, replications, TASK, { type: 'StartFullSync', replication: ORDER }, exampleContext());
    const adapter = store as unknown as EventStoreDb;
    const handler = new ReportHandler(adapter, new AcknowledgedRanges(adapter));
    const { state } = await load(store, replications, TASK);
    return { store, handler, ofRound: { taskId: TASK, assignmentId: state!.round!.roundId } };
  };
  const reportId = '2f3a4b5c-00aa-4000-8000-0000000000aa';
  const stranger = '2f3a4b5c-00bb-4000-8000-0000000000bb';

  it('the restorer, of the target, and the agent, of the round', async () => {
    const { store, handler, ofRound } = await scene();
    await handler.handle(RESTORER, reportId, { kind: 'exports-opened', ...ofRound, exports: EXPORTS });
    await handler.handle(AGENT, VERIFICATION, { kind: 'round-completed', ...ofRound, disks: results() });
    expect((await load(store, replications, TASK)).state).toMatchObject({ round: null, fullSyncCompleted: true });
  });

  it('nobody else, and nothing is recorded', async () => {
    const { store, handler, ofRound } = await scene();
    const before = await store.readStream(`replication-${TASK}`);
    const foreign: [string, EndpointReport][] = [
      [AGENT, { kind: 'exports-opened', ...ofRound, exports: EXPORTS }],
      [AGENT, { kind: 'exports-failed', ...ofRound, ...failing }],
      [AGENT, { kind: 'digests-computed', ...ofVerification, disks: digests() }],
      [AGENT, { kind: 'digests-failed', ...ofVerification, ...failing }],
      [RESTORER, { kind: 'round-completed', ...ofRound, disks: results() }],
      [RESTORER, { kind: 'round-failed', ...ofRound, ...failing }],
      [stranger, { kind: 'round-failed', ...ofRound, ...failing }],
      [
        stranger,
        {
          kind: 'ranges-acknowledged',
          ...ofRound,
          diskId: 'disk-a',
          ranges: [{ offsetBytes: 0, lengthBytes: 65_536 }],
        },
      ],
      [AGENT, { kind: 'round-failed', ...ofRound, taskId: stranger, ...failing }],
    ];
    for (const [endpointId, report] of foreign) {
      await expect(handler.handle(endpointId, reportId, report)).rejects.toMatchObject({
        code: 'TRANSFER.NOT_ITS_TASK',
      });
    }
    expect(await store.readStream(`replication-${TASK}`)).toEqual(before);
    expect(await store.readStream(`acknowledgedRanges-${TASK}`)).toEqual([]);
  });
});
