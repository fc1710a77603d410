import type { ByteRange, NbdExport } from '#libs/contracts';
import { EndpointFailure } from '../endpoint-failure.js';
import { splitExtents } from '../extents/byte-extents.js';
import { NbdConnection, type NbdConnectOptions } from '../nbd/nbd-connection.js';
import { UNPACED, type TransferPace } from '../throttle/transfer-pace.js';

/** Zeroing may cost a slow target real writes; this much it can do well within a reply's timeout. */
const ZERO_REQUEST_BYTES = 256 * 1024 * 1024;
const ZERO_PAYLOAD_BYTES = 1024 * 1024;

/** For all sessions, and made when a server asks for it: hardly any does. */
let zeros: Buffer | null = null;
const zeroPayload = (): Buffer => (zeros ??= Buffer.alloc(ZERO_PAYLOAD_BYTES));

/** The target of one round: a few connections to one export, used as one. */
export class TargetSession {
  private constructor(
    private readonly connections: readonly [NbdConnection, ...NbdConnection[]],
    private readonly pace: TransferPace,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Connects, and checks that the export can do what a round needs. Rejects with an EndpointFailure: `DATA_PATH_*`,
   * `EXPORT_FAILED` (read-only, or unable to flush: nothing could ever be acknowledged), `TARGET_DISK_MISSING` (too small).
   */
  static async open(
    target: NbdExport,
    options: NbdConnectOptions & { connections: number; diskBytes: number; pace?: TransferPace },
  ): Promise<TargetSession> {
    const connections = await dial(target, options, options.connections);
    const [first, ...others] = connections;
    try {
      assertUsable(first, options.diskBytes);
    } catch (error) {
      await closeAll(connections);
      throw error;
    }
    const { pace = UNPACED, signal = new AbortController().signal } = options;
    if (first.info.multiConn) return new TargetSession(connections, pace, signal);
    // Without the server's word that a FLUSH covers all connections, one connection is the only safe number.
    await closeAll(others);
    return new TargetSession([first], pace, signal);
  }

  /**
   * Resolves when the target answered; durable only after a later {@link flush}.
   *
   * @param hasHeaderRoom see {@link NbdConnection.write}
   */
  async write(offsetBytes: number, payload: Uint8Array, hasHeaderRoom = false): Promise<void> {
    const limit = this.connections[0].maxPayloadBytes;
    if (payload.length <= limit) {
      await this.paced(payload.length, (connection) => connection.write(offsetBytes, payload, hasHeaderRoom));
      return;
    }
    const whole = { offsetBytes, lengthBytes: payload.length };
    await Promise.all(
      Array.from(splitExtents([whole], limit), (part) => {
        const start = part.offsetBytes - offsetBytes;
        return this.paced(part.lengthBytes, (connection) =>
          connection.write(part.offsetBytes, payload.subarray(start, start + part.lengthBytes)),
        );
      }),
    );
  }

  /** Makes a range zero; resolves with the payload bytes that this cost (none, unless the server lacks WRITE_ZEROES). */
  async zero(range: ByteRange): Promise<number> {
    if (this.connections[0].info.canWriteZeroes) {
      for (const part of splitExtents([range], ZERO_REQUEST_BYTES)) {
        await this.paced(0, (connection) => connection.writeZeroes(part.offsetBytes, part.lengthBytes));
      }
      return 0;
    }
    const limit = Math.min(ZERO_PAYLOAD_BYTES, this.connections[0].maxPayloadBytes);
    for (const part of splitExtents([range], limit)) {
      await this.paced(part.lengthBytes, (connection) =>
        connection.write(part.offsetBytes, zeroPayload().subarray(0, part.lengthBytes)),
      );
    }
    return range.lengthBytes;
  }

  /** Makes everything durable that was answered before this call. */
  async flush(): Promise<void> {
    await this.connections[0].flush();
  }

  async close(): Promise<void> {
    await closeAll(this.connections);
  }

  /** Which connection it goes to is decided when its turn has come. */
  private async paced(payloadBytes: number, request: (connection: NbdConnection) => Promise<void>): Promise<void> {
    await this.pace.write(payloadBytes, () => request(this.idlest()), this.signal);
  }

  private idlest(): NbdConnection {
    let best = this.connections[0];
    for (const connection of this.connections) if (connection.load < best.load) best = connection;
    return best;
  }
}

/** All at the same time: over a long way each one takes half a dozen round trips. The first failure is that of all. */
async function dial(
  target: NbdExport,
  options: NbdConnectOptions,
  number: number,
): Promise<[NbdConnection, ...NbdConnection[]]> {
  const failed = new AbortController();
  const { signal = failed.signal } = options;
  const either = { ...options, signal: AbortSignal.any([signal, failed.signal]) };
  const dialled = await Promise.allSettled(
    Array.from({ length: number }, () =>
      NbdConnection.connect(target, either).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  const connections = dialled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const [first, ...others] = connections;
  if (!failed.signal.aborted && first !== undefined) return [first, ...others];
  await closeAll(connections);
  throw failed.signal.reason;
}

async function closeAll(connections: readonly NbdConnection[]): Promise<void> {
  await Promise.all(connections.map((connection) => connection.close()));
}

function assertUsable({ info }: NbdConnection, diskBytes: number): void {
  if (info.readOnly) throw new EndpointFailure('EXPORT_FAILED', 'the target disk is served read-only');
  if (!info.canFlush) throw new EndpointFailure('EXPORT_FAILED', 'the target cannot flush');
  if (info.sizeBytes < diskBytes) {
    throw new EndpointFailure('TARGET_DISK_MISSING', `the target disk has ${info.sizeBytes} bytes, not ${diskBytes}`);
  }
}
