import { describe, expect, it } from 'vitest';
import { ENDPOINT_FAILURE_REMEDIES, type EndpointReport, endpointFailureCode } from '#libs/contracts';
import { EXPORTS, ROUND_1, TASK, VERIFICATION, digests, results } from '../replication/replication.examples.js';
import { commandOf } from './report-handler.js';

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
