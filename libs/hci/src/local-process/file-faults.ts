import { PermanentError, TransientError } from '#libs/eventsourcing';

/** These stay until a person changes something. */
const LASTING = new Set([
  ...['EACCES', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR', 'EPERM', 'EROFS'],
  // Also where there is no room: what is repeated until there is holds up the work for every other target.
  ...['EDQUOT', 'EFBIG', 'ENOSPC'],
]);

/**
 * Does the work; what the system refuses meanwhile becomes an error of the port.
 * @throws PermanentError, TransientError; anything that is no fault of the system as it is
 */
export const classifyingFaults = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (!isSystemFault(error)) throw error;
    const Fault = LASTING.has(error.code ?? '') ? PermanentError : TransientError;
    throw new Fault(error.message, { cause: error });
  }
};

const isSystemFault = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number';
