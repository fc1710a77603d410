import { describe, expect, it } from 'vitest';
import { callFailure } from '#libs/contracts';
import { DomainError, PermanentError, RevisionConflict, TransientError } from '#libs/eventsourcing';
import { fromCallFailure, toCallFailure } from './call-failure.js';

const SUBJECT = 'landfall.transfer.verify-replica';
const travel = (error: unknown): Error => fromCallFailure(JSON.parse(JSON.stringify(toCallFailure(error))), SUBJECT);

describe('an error on its way back to the asking side', () => {
  it('stays the refusal that it is, word for word', () => {
    const refusal = new DomainError('TRANSFER.NO_FULL_SYNC', 'Not yet.', 'Wait.', { taskId: 't', list: [1] });
    const arrived = travel(refusal);
    expect(arrived).toBeInstanceOf(DomainError);
    expect(arrived).toMatchObject({
      code: 'TRANSFER.NO_FULL_SYNC',
      message: 'Not yet.',
      remedy: 'Wait.',
      details: { taskId: 't', list: [1] },
    });
  });

  it.each([
    ['a passing failure', new TransientError('10.0.0.7 is away')],
    ['a stream that moved too often', new RevisionConflict('replication-1')],
  ])('may be repeated after %s', (_what, error) => {
    expect(toCallFailure(error)).toMatchObject({ code: 'SERVICE.UNAVAILABLE', retryable: true });
    expect(travel(error)).toBeInstanceOf(TransientError);
  });

  it.each([
    ['a lasting failure', new PermanentError('password swordfish is wrong')],
    ['a defect', new TypeError('swordfish is undefined')],
    ['something that is no error', 'swordfish'],
  ])('is no refusal after %s, and tells nothing of it', (_what, error) => {
    expect(toCallFailure(error)).toMatchObject({ code: 'SERVICE.INTERNAL', retryable: false });
    const arrived = travel(error);
    // Whoever skips what was refused must not skip what broke.
    expect(arrived).toBeInstanceOf(PermanentError);
    expect(arrived).not.toBeInstanceOf(DomainError);
    expect(JSON.stringify([toCallFailure(error), arrived.message])).not.toMatch(/swordfish|10\.0\.0\.7/);
  });

  it('always has the shape that the contract names', () => {
    for (const error of [new DomainError('A.B', 'c', 'd'), new TransientError('x'), new Error('x'), undefined]) {
      expect(() => callFailure.parse(toCallFailure(error))).not.toThrow();
    }
  });

  it.each([
    ['a time-out', new Error('Timeout has occurred')],
    ['nobody who listens', { message: 'There are no subscribers listening to that message' }],
    ['another shape', { code: 'A.B' }],
    ['nothing', undefined],
  ])('may be repeated when there was no answer: %s', (_what, failure) => {
    const arrived = fromCallFailure(failure, SUBJECT);
    expect(arrived).toBeInstanceOf(TransientError);
    expect(arrived.message).toContain(SUBJECT);
  });
});
