import { afterEach, describe, expect, it } from 'vitest';
import { DigestTable, syncDisk, usedMapOf, type SyncDiskResult } from '#libs/block-transfer';
import { Command } from '../src/nbd/nbd.codec.js';
import { ExportFlag, ORDINARY, PatientServer, type Described } from './patient-server.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 512 * MIB;
const USED = usedMapOf(DISK_BYTES, [{ offsetBytes: 0, lengthBytes: 4 * MIB }]);
const without = (flag: number): Described => ({ ...ORDINARY, flags: ORDINARY.flags & ~flag });

let server: PatientServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

/** Of a source that is full of sevens. */
async function sync(describe: (connection: number) => Described | null): Promise<SyncDiskResult> {
  await server?.close();
  server = await PatientServer.start(describe);
  const source = {
    sizeBytes: DISK_BYTES,
    read: async (into: Uint8Array): Promise<void> => void into.fill(7),
    close: async () => undefined,
  };
  const digests = DigestTable.unknown(DISK_BYTES, 'blake3');
  const timeouts = { handshakeTimeoutMs: 2_000, replyTimeoutMs: 500 };
  return syncDisk({ diskId: 'odd', source, used: USED, target: server.export, baseline: null, digests, timeouts });
}

const received = (command: number): readonly { readonly lengthBytes: number }[] =>
  (server?.received ?? []).filter((request) => request.command === command);

describe('a round with a target', () => {
  it('makes zero what is free in requests that a slow one can answer in time', async () => {
    await sync(() => ORDINARY);
    const lengths = received(Command.WRITE_ZEROES).map(({ lengthBytes }) => lengthBytes);
    expect(Math.max(...lengths)).toBe(32 * MIB);
    expect(lengths.reduce((sum, bytes) => sum + bytes, 0)).toBe(DISK_BYTES - 4 * MIB);
  });

  it.each([
    ['answers one connection at a time', null],
    ['answers both', without(ExportFlag.MULTI_CONN)],
  ])('that promises nothing across connections and %s uses one of them', async (_, second) => {
    const result = await sync((connection) => (connection === 1 ? without(ExportFlag.MULTI_CONN) : second));
    expect(result.sentBytes).toBe(4 * MIB);
    expect(received(Command.WRITE).length).toBeGreaterThan(0);
  });

  it.each<[string, Described]>([
    ['as read-only', { ...ORDINARY, flags: ORDINARY.flags | ExportFlag.READ_ONLY }],
    ['with another size', { ...ORDINARY, sizeBytes: MIB }],
    ['with a smaller largest request', { ...ORDINARY, maxPayloadBytes: 64 * 1024 }],
    ['without zeroing', without(ExportFlag.WRITE_ZEROES)],
  ])('that describes itself %s to its second connection is refused', async (_, second) => {
    await expect(sync((connection) => (connection === 1 ? ORDINARY : second))).rejects.toMatchObject({
      code: 'EXPORT_FAILED',
    });
    expect(received(Command.WRITE)).toEqual([]);
  });

  it('that takes requests of a block goes, and one that takes less is refused', async () => {
    const limited = (maxPayloadBytes: number) => () => ({ ...ORDINARY, maxPayloadBytes });
    expect((await sync(limited(64 * 1024))).sentBytes).toBe(4 * MIB);
    for (const maxPayloadBytes of [0, 1, 64 * 1024 - 1])
      await expect(sync(limited(maxPayloadBytes))).rejects.toMatchObject({ code: 'EXPORT_FAILED' });
  });
});
