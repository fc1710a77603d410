import { describe, expect, it } from 'vitest';
import { PermanentError, TransientError } from '#libs/eventsourcing';
import { classifyingFaults } from './file-faults.js';

const refused = (code: string) =>
  classifyingFaults(async () => {
    throw Object.assign(new Error(code), { code, errno: -1 });
  });

describe('classifyingFaults', () => {
  it.each(['EACCES', 'ENOSPC', 'EDQUOT', 'EFBIG'])('takes %s for one that a person has to deal with', async (code) => {
    await expect(refused(code)).rejects.toBeInstanceOf(PermanentError);
  });

  it.each(['EIO', 'EMFILE', 'EAGAIN'])('takes %s for one that passes', async (code) => {
    await expect(refused(code)).rejects.toBeInstanceOf(TransientError);
  });

  it('leaves alone what is no fault of the system', async () => {
    const error = new Error('of ours');
    await expect(classifyingFaults(() => Promise.reject(error))).rejects.toBe(error);
  });
});
