import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type EndpointFailure,
  digestDisk,
  DigestTable,
  invertExtents,
  mergeExtents,
  NbdConnection,
  openSourceDisk,
  startNbdkit,
  syncDisk,
  totalBytes,
  usedMapFromFree,
  type NbdkitServer,
  type SourceDisk,
  type SyncDiskOptions,
} from '#libs/block-transfer';
import type { ByteRange } from '#libs/contracts';
import { DATA_PATHS, type DataPath } from './data-paths.js';
import { run } from './ext-disk.js';
import { fillWithGarbage } from './garbage.js';
import { durableByLog } from './server-log.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 192 * MIB;
const HOST = '127.0.0.1';

function knownRanges(table: DigestTable): ByteRange[] {
  const known = Array.from({ length: table.blockCount }, (_, index) => index).filter((index) => table.isKnown(index));
  return mergeExtents(known.map((index) => ({ offsetBytes: index * 65536, lengthBytes: table.blockBytes(index) })));
}

describe.each(DATA_PATHS)('a round that is broken off %s', (_how, makePath) => {
  let path: DataPath;
  let folder: string;
  let sourcePath: string;
  let target: string;
  let source: SourceDisk;
  let digests: DigestTable;
  const servers: NbdkitServer[] = [];

  beforeEach(async () => {
    path = await makePath();
    folder = await mkdtemp(join(tmpdir(), 'landfall-broken-'));
    sourcePath = join(folder, 'source.img');
    target = join(folder, 'target.img');
    await fillWithGarbage(sourcePath, [{ offsetBytes: 0, lengthBytes: DISK_BYTES }]);
    source = await openSourceDisk(sourcePath);
    digests = DigestTable.unknown(DISK_BYTES, 'blake3');
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
    await source.close();
    await rm(folder, { recursive: true });
  });

  async function serve(options: { path?: string; readOnly?: boolean; filters?: string[]; parameters?: string[] } = {}) {
    const server = await startNbdkit({ path: target, sizeBytes: DISK_BYTES, host: HOST, ...path.server, ...options });
    servers.push(server);
    return server;
  }

  const sync = (server: NbdkitServer, options: Partial<SyncDiskOptions> = {}) =>
    syncDisk({
      diskId: 'd',
      source,
      used: usedMapFromFree(DISK_BYTES, []),
      target: server.export,
      ...path.client,
      baseline: null,
      digests,
      ...options,
    });

  it('before it began, by one connection that cannot be had, leaves none open', async () => {
    const server = await serve();
    const open = new Set<Socket>();
    const door = createServer((near) => {
      near.on('error', () => undefined);
      if (open.size > 0) {
        near.destroy();
        return;
      }
      open.add(near);
      const far = connect({ host: HOST, port: server.export.port });
      near.on('close', () => {
        far.destroy();
        open.delete(near);
      });
      far.on('error', () => undefined);
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => door.listen(0, HOST, resolve));
    const address = door.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const begun = sync(server, { target: { ...server.export, port } });
      await expect(begun).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
      await expect.poll(() => open.size).toBe(0);
    } finally {
      await new Promise((resolve) => door.close(resolve));
    }
  });

  it('by a killed server is a lost path, and the next round repairs whatever was not acknowledged', async () => {
    const log = join(folder, 'log');
    const first = await serve({ filters: ['log'], parameters: [`logfile=${log}`] });
    const acknowledged: ByteRange[] = [];
    const broken = sync(first, {
      onAcknowledged: (ranges) => {
        acknowledged.push(...ranges);
        if (totalBytes(acknowledged) > 100 * MIB) process.kill(first.pid, 'SIGKILL');
      },
    });
    await expect(broken).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });
    const durable = durableByLog(await readFile(log, 'utf8'));
    expect(mergeExtents([...durable, ...acknowledged])).toEqual(durable);
    expect(knownRanges(digests)).toEqual(mergeExtents(acknowledged));
    // What a power cut may do to a target: everything that was not durable can be anything.
    await fillWithGarbage(target, invertExtents(durable, DISK_BYTES));

    const repaired = await sync(await serve(), { baseline: digests });
    expect(repaired.sentBytes).toBe(DISK_BYTES - totalBytes(mergeExtents(acknowledged)));
    expect(repaired.sentBytes).toBeGreaterThan(0);
    expect((await digestDisk(target, { algorithm: 'blake3' })).rootDigest).toBe(repaired.rootDigest);
    expect((await readFile(target)).equals(await readFile(sourcePath))).toBe(true);
  });

  it('leaves no digest behind for a block that was overwritten and then changed back', async () => {
    await sync(await serve());
    const before = await readFile(sourcePath);
    await fillWithGarbage(sourcePath, [{ offsetBytes: 0, lengthBytes: 40 * MIB }]);
    const server = await serve();
    const broken = sync(server, {
      baseline: digests,
      onProgress: ({ sentBytes }) => {
        if (sentBytes > 20 * MIB) process.kill(server.pid, 'SIGKILL');
      },
    });
    await expect(broken).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
    await writeFile(sourcePath, before);
    const repaired = await sync(await serve(), { baseline: digests });
    expect(repaired.sentBytes).toBeLessThan(40 * MIB);
    expect((await readFile(target)).equals(before)).toBe(true);
  });

  it('by a stopped server is a lost path after the time limit, in the middle and at the beginning', async () => {
    const server = await serve();
    let stoppedMs = 0;
    const broken = sync(server, {
      timeouts: { replyTimeoutMs: 400 },
      onProgress: ({ processedBytes }) => {
        if (processedBytes <= 20 * MIB || stoppedMs > 0) return;
        stoppedMs = performance.now();
        process.kill(server.pid, 'SIGSTOP');
      },
    });
    const lost = (await broken.catch((error: unknown) => error)) as EndpointFailure;
    expect(lost).toMatchObject({ code: 'DATA_PATH_LOST', detail: expect.stringMatching(/no answer/) });
    // Since when nothing came or went, not for how long it may.
    expect(lost.silentMs).toBeGreaterThanOrEqual(390);
    expect(lost.silentMs).toBeLessThanOrEqual(performance.now() - stoppedMs);
    await expect(sync(server, { timeouts: { handshakeTimeoutMs: 300 } })).rejects.toMatchObject({
      code: 'DATA_PATH_LOST',
      detail: expect.stringMatching(/no NBD handshake/),
    });
  });

  it('by a full target says so, and never calls it durable', async () => {
    const small = join(folder, 'small');
    await mkdir(small);
    await run('mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small);
    try {
      const server = await serve({ path: join(small, 'target.img') });
      await expect(sync(server)).rejects.toMatchObject({ code: 'TARGET_DISK_FULL' });
      expect(digests.isKnown(digests.blockCount - 1)).toBe(false);
      await server.close();
    } finally {
      await run('umount', small);
    }
  });

  it.each(['pwrite', 'zero'])('by an error of the target in %s is a failed write', async (operation) => {
    const server = await serve({ filters: ['error'], parameters: ['error=EIO', `error-${operation}-rate=100%`] });
    const used = usedMapFromFree(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: 2 * MIB }]);
    await expect(sync(server, { used })).rejects.toMatchObject({ code: 'TARGET_WRITE_FAILED' });
    // Zeroes may have been answered, yet nothing was flushed.
    expect(digests.isKnown(0)).toBe(false);
  });

  it('by the caller ends with the caller’s reason', async () => {
    const stop = new AbortController();
    const reason = new Error('the round is over');
    const broken = sync(await serve(), { signal: stop.signal, onProgress: () => stop.abort(reason) });
    await expect(broken).rejects.toBe(reason);
    await expect(sync(await serve(), { signal: stop.signal })).rejects.toBe(reason);
  });

  it('by the source says what is wrong with it', async () => {
    await truncate(sourcePath, DISK_BYTES - MIB);
    await expect(sync(await serve())).rejects.toMatchObject({ code: 'SOURCE_DISK_CHANGED' });
    const used = usedMapFromFree(DISK_BYTES + MIB, []);
    await expect(sync(await serve(), { used })).rejects.toMatchObject({ code: 'SOURCE_DISK_CHANGED' });
    await expect(openSourceDisk(join(folder, 'none'))).rejects.toMatchObject({ code: 'SOURCE_DISK_CHANGED' });
    await expect(openSourceDisk('/dev/null')).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
  });

  it('before it began: a target that is read-only, too small, gone, or something else', async () => {
    await expect(sync(await serve({ readOnly: true }))).rejects.toMatchObject({ code: 'EXPORT_FAILED' });
    await truncate(target, DISK_BYTES - 512);
    const small = await startNbdkit({ path: target, host: HOST, ...path.server });
    servers.push(small);
    await expect(sync(small)).rejects.toMatchObject({ code: 'TARGET_DISK_MISSING' });
    await small.close();
    await expect(sync(small)).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
    const other = createServer((socket) => {
      socket.on('error', () => undefined); // hung up on with words unread
      socket.end('220 mail.example.org ESMTP ready\r\n');
    });
    await new Promise<void>((resolve) => other.listen(0, HOST, resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const mail = { ...small.export, port };
    await expect(NbdConnection.connect(mail, path.client.security)).rejects.toMatchObject({ code: 'EXPORT_FAILED' });
    await new Promise((resolve) => other.close(resolve));
  });
});

describe.each(DATA_PATHS)('NbdConnection %s', (_how, makePath) => {
  let path: DataPath;
  let folder: string;
  let server: NbdkitServer;

  beforeEach(async () => {
    path = await makePath();
    folder = await mkdtemp(join(tmpdir(), 'landfall-nbd-'));
    server = await startNbdkit({ path: join(folder, 'disk.img'), sizeBytes: 64 * MIB, host: HOST, ...path.server });
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('reads back what it wrote, zeroed and trimmed, with many requests in flight', async () => {
    const connection = await NbdConnection.connect(server.export, { ...path.client.security, maxInFlight: 8 });
    const blocks = Array.from({ length: 64 }, (_, index) => Buffer.alloc(MIB, index + 1));
    await Promise.all(blocks.map((block, index) => connection.write(index * MIB, block)));
    await Promise.all([connection.writeZeroes(0, 10 * MIB), connection.trim(63 * MIB, MIB)]);
    await connection.flush();
    const found = blocks.map(() => Buffer.alloc(MIB, 0xff));
    await Promise.all(found.map((block, index) => connection.read(index * MIB, block)));
    for (const [index, block] of found.entries()) {
      expect(block.equals(index < 10 || index === 63 ? Buffer.alloc(MIB) : blocks[index]!), `MiB ${index}`).toBe(true);
    }
    await connection.close();
    await expect(connection.flush()).rejects.toMatchObject({ code: 'DATA_PATH_LOST' });
  });

  it('never forgets a failed write: a FLUSH afterwards does not succeed', async () => {
    // Not a write beyond the end: over TLS, nbdkit 1.32 loses such a connection when another request follows.
    const full = { filters: ['error'], parameters: ['error=ENOSPC', 'error-pwrite-rate=100%'] };
    await server.close();
    server = await startNbdkit({
      path: join(folder, 'disk.img'),
      sizeBytes: 64 * MIB,
      host: HOST,
      ...path.server,
      ...full,
    });
    const connection = await NbdConnection.connect(server.export, path.client.security);
    const [first, second] = await Promise.allSettled([
      connection.write(MIB, Buffer.alloc(512)),
      connection.write(0, Buffer.alloc(512)),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'TARGET_DISK_FULL' } });
    expect(second.status).toBe('rejected');
    await expect(connection.flush()).rejects.toMatchObject({ code: 'TARGET_DISK_FULL' });
    await connection.close();
  });

  it('closes in the middle of its requests without a torn one: what is written is whole, or not there', async () => {
    const connection = await NbdConnection.connect(server.export, { ...path.client.security, maxInFlight: 16 });
    const blocks = Array.from({ length: 16 }, (_, index) => index);
    await Promise.all(blocks.map((index) => connection.write(index * MIB, Buffer.alloc(MIB, 1))));
    const writing = Promise.allSettled(blocks.map((index) => connection.write(index * MIB, Buffer.alloc(MIB, 2))));
    await connection.close();
    expect((await writing).every(({ status }) => status === 'rejected')).toBe(true);
    await server.close();
    const found = await readFile(join(folder, 'disk.img'));
    for (const index of blocks) {
      const block = found.subarray(index * MIB, (index + 1) * MIB);
      expect(
        [1, 2].some((value) => block.equals(Buffer.alloc(MIB, value))),
        `MiB ${index}`,
      ).toBe(true);
    }
  });

  it('refuses requests that are too large without sending them', async () => {
    const connection = await NbdConnection.connect(server.export, path.client.security);
    await expect(connection.write(0, Buffer.alloc(33 * MIB))).rejects.toThrow(RangeError);
    await connection.write(0, Buffer.alloc(32 * MIB));
    await connection.close();
  });
});

describe('startNbdkit', () => {
  it('says why there is no server', async () => {
    const missing = startNbdkit({ path: '/nonexistent/disk.img', host: HOST });
    await expect(missing).rejects.toMatchObject({ code: 'TARGET_DISK_MISSING' });
    const wrong = startNbdkit({ path: '/dev/null', host: HOST, parameters: ['nonsense=1'] });
    await expect(wrong).rejects.toMatchObject({
      code: 'EXPORT_FAILED',
      detail: expect.stringMatching(/nonsense/),
    });
  });

  it('ends its server with the first close, and a second one does no harm', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-serve-'));
    const server = await startNbdkit({ path: join(folder, 'disk.img'), sizeBytes: MIB, host: HOST });
    const connection = await NbdConnection.connect(server.export);
    await server.close();
    await server.close();
    expect((await server.exited).signal ?? (await server.exited).code).toBeDefined();
    expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
    await connection.close();
    await rm(folder, { recursive: true });
  });
});
