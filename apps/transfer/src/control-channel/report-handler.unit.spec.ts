import { describe, expect, it } from 'vitest';
import { type EndpointReport, FAILURES, endpointFailureCode, failureFor } from '#libs/contracts';
import { fold, handleCommand, load } from '#libs/eventsourcing';
import type { EventStoreDb } from '#libs/eventstore';
import { InMemoryEventStore, exampleContext } from '#libs/testing';
import { AcknowledgedRanges } from '../acknowledged-ranges/acknowledged-ranges.js';
import { attemptIdOf } from '../replication/domain/replication.state.js';
import { replications } from '../replication/replication.aggregate.js';
import {
  AGENT,
  EXPORTS,
  LINK_LOST,
  ORDER,
  RESTORER,
  ROUND_1,
  TASK,
  VERIFICATION,
  digests,
  results,
} from '../replication/replication.examples.js';
import { ReportHandler, commandOf } from './report-handler.js';

const ofAttempt = (attempt: number, roundId: string = ROUND_1) => ({
  taskId: TASK,
  roundId,
  assignmentId: attemptIdOf({ roundId, attempt }),
});
const ofVerification = { taskId: TASK, assignmentId: VERIFICATION };
const failing = { code: 'TARGET_DISK_FULL', detail: 'No space left on device.' } as const;
const detail = 'The connection was reset.';
const AT = '2026-03-01T10:00:01.000Z';

describe('what a report means for its replication', () => {
  const inSecondAttempt = fold(replications.decider, LINK_LOST)!;
  const inHand = ofAttempt(2);
  const ofRound = { roundId: ROUND_1, attempt: 2 };

  it.each<[EndpointReport, unknown]>([
    [
      { kind: 'exports-opened', ...inHand, exports: EXPORTS },
      { type: 'NoteExportsOpened', ...ofRound, exports: EXPORTS },
    ],
    [
      { kind: 'exports-failed', ...inHand, ...failing },
      { type: 'NoteExportsFailed', ...ofRound, ...failing, at: AT },
    ],
    [
      { kind: 'link-established', ...inHand, comparison: 'rescan', rescanReason: 'events-lost' },
      { type: 'NoteLinkEstablished', ...ofRound, comparison: 'rescan', rescanReason: 'events-lost', at: AT },
    ],
    [
      { kind: 'link-established', ...inHand, comparison: 'tracked' },
      { type: 'NoteLinkEstablished', ...ofRound, comparison: 'tracked', at: AT },
    ],
    [
      { kind: 'link-lost', ...inHand, detail, silentMs: 60_000 },
      { type: 'NoteLinkLost', ...ofRound, detail, at: new Date(Date.parse(AT) - 60_000).toISOString() },
    ],
    [
      { kind: 'round-completed', ...inHand, disks: results() },
      { type: 'CompleteSyncRound', roundId: ROUND_1, disks: results() },
    ],
    [
      { kind: 'round-failed', ...inHand, ...failing },
      { type: 'FailSyncRound', roundId: ROUND_1, ...failing },
    ],
    [
      { kind: 'digests-begun', ...ofVerification },
      { type: 'NoteDigestsBegun', verificationId: VERIFICATION },
    ],
    [
      { kind: 'digests-computed', ...ofVerification, disks: digests() },
      { type: 'CompareDigests', verificationId: VERIFICATION, disks: digests() },
    ],
    [
      { kind: 'digests-failed', ...ofVerification, ...failing },
      { type: 'FailVerification', verificationId: VERIFICATION, ...failing },
    ],
    [{ kind: 'ranges-acknowledged', ...inHand, diskId: 'disk-a', ranges: [] }, null],
  ])('$kind', (report, command) => {
    expect(commandOf(report, inSecondAttempt, AT)).toEqual(command);
  });

  it.each<EndpointReport>([
    { kind: 'exports-opened', ...ofAttempt(1), exports: EXPORTS },
    { kind: 'exports-failed', ...ofAttempt(1), ...failing },
    { kind: 'link-established', ...ofAttempt(1), comparison: 'rescan' },
    { kind: 'link-lost', ...ofAttempt(1), detail, silentMs: 0 },
  ])('$kind of an earlier attempt is not taken for one of the attempt in hand', (report) => {
    expect(commandOf(report, inSecondAttempt, AT)).toMatchObject({ roundId: ROUND_1, attempt: 0 });
  });

  it('has a remedy for every failure, and says what is lost and what is kept', () => {
    for (const code of endpointFailureCode.options) {
      expect(failureFor(code, 'detail')).toMatchObject({ code, ...pick(FAILURES[code]) });
      for (const text of Object.values(pick(FAILURES[code]))) expect(text).toMatch(/\.$/);
    }
  });
});

const pick = ({ remedy, lost, kept }: (typeof FAILURES)[keyof typeof FAILURES]) => ({ remedy, lost, kept });

const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

/** A round that began so many minutes ago. */
const scene = async (minutes = 0) => {
  const store = new InMemoryEventStore();
  const context = exampleContext({ now: minutesAgo(minutes).toISOString() });
  await handleCommand(store, replications, TASK, { type: 'StartFullSync', replication: ORDER }, context);
  const adapter = store as unknown as EventStoreDb;
  const handler = new ReportHandler(adapter, new AcknowledgedRanges(adapter));
  const stateNow = async () => (await load(store, replications, TASK)).state;
  const { roundId } = (await stateNow())!.round!;
  const typesOfStream = async () => (await load(store, replications, TASK)).events.map(({ type }) => type);
  return { store, handler, context, stateNow, typesOfStream, roundId, inHand: ofAttempt(1, roundId) };
};
const reportId = (last: number) => `2f3a4b5c-00aa-4000-8000-${String(last).padStart(12, '0')}`;
const NOW = minutesAgo(0);

describe('who may report', () => {
  const stranger = '2f3a4b5c-00bb-4000-8000-0000000000bb';

  it('the restorer, of the target, and the agent, of the round', async () => {
    const { handler, stateNow, inHand } = await scene();
    const reports: [string, EndpointReport][] = [
      [RESTORER, { kind: 'exports-opened', ...inHand, exports: EXPORTS }],
      [AGENT, { kind: 'link-established', ...inHand, comparison: 'all-blocks' }],
      [AGENT, { kind: 'round-completed', ...inHand, disks: results() }],
    ];
    for (const [index, [endpointId, report]] of reports.entries()) {
      await handler.handle(endpointId, reportId(index), report, new Date());
    }
    expect(await stateNow()).toMatchObject({ round: null, window: null, fullSyncCompleted: true });
  });

  it('nobody else, and nothing is recorded', async () => {
    const { store, handler, inHand } = await scene();
    const before = await store.readStream(`replication-${TASK}`);
    const ranges = [{ offsetBytes: 0, lengthBytes: 65_536 }];
    const foreign: [string, EndpointReport][] = [
      [AGENT, { kind: 'exports-opened', ...inHand, exports: EXPORTS }],
      [AGENT, { kind: 'exports-failed', ...inHand, ...failing }],
      [AGENT, { kind: 'digests-begun', ...ofVerification }],
      [AGENT, { kind: 'digests-computed', ...ofVerification, disks: digests() }],
      [AGENT, { kind: 'digests-failed', ...ofVerification, ...failing }],
      [RESTORER, { kind: 'link-established', ...inHand, comparison: 'rescan' }],
      [RESTORER, { kind: 'link-lost', ...inHand, detail, silentMs: 0 }],
      [RESTORER, { kind: 'round-completed', ...inHand, disks: results() }],
      [RESTORER, { kind: 'round-failed', ...inHand, ...failing }],
      [RESTORER, { kind: 'ranges-acknowledged', ...inHand, diskId: 'disk-a', ranges }],
      [stranger, { kind: 'round-failed', ...inHand, ...failing }],
      [stranger, { kind: 'ranges-acknowledged', ...inHand, diskId: 'disk-a', ranges }],
      [AGENT, { kind: 'round-failed', ...inHand, taskId: stranger, ...failing }],
    ];
    for (const [endpointId, report] of foreign) {
      await expect(handler.handle(endpointId, reportId(1), report, NOW)).rejects.toMatchObject({
        code: 'TRANSFER.NOT_ITS_TASK',
      });
    }
    expect(await store.readStream(`replication-${TASK}`)).toEqual(before);
    expect(await store.readStream(`acknowledgedRanges-${TASK}`)).toEqual([]);
  });
});

describe('a report that was on its way for long', () => {
  it.each<[number, string, string]>([
    [10, 'within the window', 'LinkEstablished'],
    [1, 'after the window', 'ResumeWindowExpired'],
  ])('counts from the moment at which it was made: %i minutes ago, %s', async (minutes, _when, type) => {
    const { store, handler, context, typesOfStream, roundId, inHand } = await scene(20);
    const open = { type: 'NoteExportsOpened', roundId, attempt: 1, exports: EXPORTS } as const;
    await handleCommand(store, replications, TASK, open, { ...context, commandId: reportId(1) });
    const report: EndpointReport = { kind: 'link-established', ...inHand, comparison: 'all-blocks' };
    await handler.handle(AGENT, reportId(2), report, minutesAgo(minutes));
    expect(await typesOfStream()).toContain(type);
  });

  it('counts once, however often it comes', async () => {
    const { handler, typesOfStream, inHand } = await scene();
    await handler.handle(RESTORER, reportId(1), { kind: 'exports-opened', ...inHand, exports: EXPORTS }, NOW);
    for (let times = 0; times < 3; times += 1) {
      await handler.handle(AGENT, reportId(2), { kind: 'link-lost', ...inHand, detail, silentMs: 0 }, NOW);
    }
    expect((await typesOfStream()).filter((type) => type === 'LinkLost')).toHaveLength(1);
  });
});
