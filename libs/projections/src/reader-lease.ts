import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** How often a runner that waits for its turn tries again. */
const RETRY_MS = 500;
/** How often the runner looks whether its lock's connection lives and nobody, such as a rebuild, moved the epoch on. */
const HEARTBEAT_MS = 1_000;

/** Another runner has taken over; what this one was about to write is not written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * The right to run a reader. Held by an advisory lock on a connection of its own, which Postgres frees when that
 * connection ends, however it ends. Writes are fenced besides: they name the epoch under which they were begun.
 */
export interface Lease {
  readonly epoch: string;
  /** Aborted when the lock's connection is gone or a newer epoch has begun. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Waits for the right to run a reader. @returns null when the signal aborts first */
export const acquireLease = async (
  dataSource: DataSource,
  reader: string,
  signal: AbortSignal,
): Promise<Lease | null> => {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.connect();
    while (!(await tryLock(runner, reader))) {
      await pause(RETRY_MS, signal);
      if (signal.aborted) {
        await runner.release();
        return null;
      }
    }
    const rows = await runner.manager.query<{ epoch: string }[]>(
      `INSERT INTO checkpoint (reader, epoch) VALUES ($1, 1)
       ON CONFLICT (reader) DO UPDATE SET epoch = checkpoint.epoch + 1 RETURNING epoch`,
      [reader],
    );
    return hold(runner, reader, String(rows[0]?.epoch));
  } catch (error) {
    await runner.release().catch(() => undefined);
    throw error;
  }
};

const hold = (runner: QueryRunner, reader: string, epoch: string): Lease => {
  const lost = new AbortController();
  const heartbeat = setInterval(() => {
    runner.query('SELECT epoch FROM checkpoint WHERE reader = $1', [reader]).then(
      (rows: { epoch: string }[]) => {
        if (rows[0]?.epoch !== epoch) lost.abort(new LeaseLost(`Reader ${reader} has a newer epoch`));
      },
      (error: unknown) => lost.abort(error),
    );
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    epoch,
    lost: lost.signal,
    release: async () => {
      clearInterval(heartbeat);
      await runner.query('SELECT pg_advisory_unlock(2, hashtext($1))', [key(runner, reader)]).catch(() => undefined);
      await runner.release().catch(() => undefined);
    },
  };
};

const key = (runner: QueryRunner, reader: string): string => {
  const { options } = runner.dataSource;
  return `${'schema' in options ? options.schema : ''}.${reader}`;
};

const tryLock = async (runner: QueryRunner, reader: string): Promise<boolean> => {
  const rows = await runner.manager.query<{ locked: boolean }[]>(
    'SELECT pg_try_advisory_lock(2, hashtext($1)) AS locked',
    [key(runner, reader)],
  );
  return rows[0]?.locked === true;
};

/** Moves a checkpoint under a lease. @throws LeaseLost when another runner has taken over */
export const moveCheckpoint = async (
  manager: EntityManager,
  reader: string,
  position: bigint,
  epoch: string,
): Promise<void> => {
  const rows = await manager.query<{ moved: number }[]>(
    `WITH moved AS (UPDATE checkpoint SET position = $2 WHERE reader = $1 AND epoch = $3 RETURNING 1)
     SELECT count(*)::int AS moved FROM moved`,
    [reader, position.toString(), epoch],
  );
  if (rows[0]?.moved !== 1) throw new LeaseLost(`Reader ${reader} is run by another process now`);
};

export const readCheckpoint = async (manager: EntityManager, reader: string): Promise<bigint | null> => {
  const rows = await manager.query<{ position: string | null }[]>('SELECT position FROM checkpoint WHERE reader = $1', [
    reader,
  ]);
  const position = rows[0]?.position ?? null;
  return position === null ? null : BigInt(position);
};

export const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
};
