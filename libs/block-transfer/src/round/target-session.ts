import type { ByteRange, NbdExport } from '#libs/contracts';
import { EndpointFailure } from '../endpoint-failure.js';
import { splitExtents } from '../extents/byte-extents.js';
import { NbdConnection, type NbdConnectOptions } from '../nbd/nbd-connection.js';
import { UNPACED, type TransferPace } from '../throttle/transfer-pace.js';

/**
 * Zeroing may cost a slow target real writes. A round has eight of these requests in flight, and an agent two rounds,
 * which may all be answered together: 512 MiB within a reply's timeout of 60 s is what any disk can do.
 */
const ZERO_REQUEST_BYTES = 32 * 1024 * 1024;
const ZERO_PAYLOAD_BYTES = 1024 * 1024;

/** A connection that is not needed is waited for so long, to be left in peace. */
const LEAVE_AFTER_MS = 1_000;

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
    try {
      assertAlike(connections);
      assertUsable(connections[0], options.diskBytes);
    } catch (error) {
      await closeAll(connections);
      throw error;
    }
    const { pace = UNPACED, signal = new AbortController().signal } = options;
    return new TargetSession(connections, pace, signal);
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

/**
 * All at the same time: over a long way each one takes half a dozen round trips. Where the first that stands does not
 * say that a FLUSH covers all connections, one is the only safe number: the others may be refused, or wait for ever.
 */
async function dial(
  target: NbdExport,
  options: NbdConnectOptions,
  number: number,
): Promise<[NbdConnection, ...NbdConnection[]]> {
  const dials = Array.from({ length: number }, () => new Dial(target, options));
  const first = await Promise.any(dials.map((one) => one.whenStanding)).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
  const others = dials.filter((one) => one !== first);
  if (!first.standing.info.multiConn) {
    await Promise.all(others.map((other) => other.giveUp()));
    return [first.standing];
  }
  try {
    await Promise.all(others.map((other) => other.whenStanding));
  } catch (error) {
    await Promise.all(dials.map((one) => one.giveUp()));
    throw error;
  }
  return [first.standing, ...others.map((other) => other.standing)];
}

/** A connection in the making. */
class Dial {
  readonly whenStanding: Promise<this>;
  private readonly end = new AbortController();
  private connection: NbdConnection | null = null;

  constructor(target: NbdExport, options: NbdConnectOptions) {
    const signal = AbortSignal.any([this.end.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    this.whenStanding = NbdConnection.connect(target, { ...options, signal }).then((connection) => {
      this.connection = connection;
      return this;
    });
    this.whenStanding.catch(() => undefined);
  }

  get standing(): NbdConnection {
    if (this.connection === null) throw new Error('the connection does not stand yet');
    return this.connection;
  }

  /** Resolves when nothing of it is left. It may come to stand for a moment: some servers do not outlive one that breaks off. */
  async giveUp(): Promise<void> {
    const late = setTimeout(() => this.end.abort(new Error('the connection is not needed any more')), LEAVE_AFTER_MS);
    await this.whenStanding.catch(() => undefined);
    clearTimeout(late);
    await this.connection?.close();
  }
}

async function closeAll(connections: readonly NbdConnection[]): Promise<void> {
  await Promise.all(connections.map((connection) => connection.close()));
}

/** What holds for one connection is relied on for all of them. */
function assertAlike([first, ...others]: readonly [NbdConnection, ...NbdConnection[]]): void {
  const described = (connection: NbdConnection): string =>
    JSON.stringify([connection.info, connection.maxPayloadBytes]);
  if (others.some((other) => described(other) !== described(first)))
    throw new EndpointFailure('EXPORT_FAILED', 'the target describes its disk differently to each connection');
}

function assertUsable({ info }: NbdConnection, diskBytes: number): void {
  if (info.readOnly) throw new EndpointFailure('EXPORT_FAILED', 'the target disk is served read-only');
  if (!info.canFlush) throw new EndpointFailure('EXPORT_FAILED', 'the target cannot flush');
  if (info.sizeBytes < diskBytes) {
    throw new EndpointFailure('TARGET_DISK_MISSING', `the target disk has ${info.sizeBytes} bytes, not ${diskBytes}`);
  }
}
