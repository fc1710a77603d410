import { capsAt, DEFAULT_THROTTLE, type Caps, type ThrottleSettings } from '#libs/contracts';
import { openStatistics, type StatisticsReader } from './device-statistics.js';
import { PacedDevice } from './paced-device.js';
import { wireBytesOf, type TransferPace } from './transfer-pace.js';
import { Throughput } from './throughput.js';
import { MOST_BYTES_AT_ONCE, TokenBucket } from './token-bucket.js';
import { WaitingLine } from './waiting-line.js';

/** So often the calendar and the source's latency are looked at, while a disk is open. */
const LOOK_INTERVAL_MS = 1_000;

export interface PaceClock {
  /** Never goes back. */
  nowMs(): number;
  /** The time of day, for the calendar. */
  now(): Date;
  /** @returns takes it back */
  after(delayMs: number, action: () => void): () => void;
}

export const SYSTEM_PACE_CLOCK: PaceClock = {
  nowMs: () => performance.now(),
  now: () => new Date(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** What the pace is, and what it saw: in bytes per second, null where nothing is known or limited. */
export interface PaceFigures {
  readonly caps: Caps;
  readonly sentBytesPerSecond: number;
  /** What the path and the target take while something is on its way; with overhead. */
  readonly linkBytesPerSecond: number | null;
  /** What the open disks give within their shares. */
  readonly storageBytesPerSecond: number | null;
  readonly givesWay: boolean;
}

/** One disk's access to the pace of its machine. */
export interface DiskPace extends TransferPace {
  close(): void;
}

/**
 * The caps of one machine, over all of its disks and connections: a token bucket for the network, and for the storage
 * a queue depth over all disks and a share of time for each. Adjusting takes effect at once, for those who wait too.
 *
 * One timer drives everything, and only while somebody waits or a disk is open.
 */
export class MachinePace {
  readonly #clock: PaceClock;
  readonly #statisticsOf: (device: string) => Promise<StatisticsReader>;
  readonly #network: TokenBucket;
  readonly #link: Throughput;
  readonly #writers = new WaitingLine();
  readonly #readers = new WaitingLine<{ readonly device: PacedDevice; readonly isHeld: boolean }>();
  readonly #devices = new Map<string, PacedDevice>();
  #settings: ThrottleSettings = DEFAULT_THROTTLE;
  #caps: Caps;
  #readsInFlight = 0;
  #lookAtMs: number | null = null;
  #isLooking = false;
  #wake: { readonly atMs: number; readonly cancel: () => void } | null = null;

  constructor(clock: PaceClock = SYSTEM_PACE_CLOCK, statisticsOf: typeof openStatistics = openStatistics) {
    this.#clock = clock;
    this.#statisticsOf = statisticsOf;
    this.#caps = capsAt(this.#settings, clock.now());
    this.#network = new TokenBucket(this.#caps.networkBytesPerSecond, clock.nowMs());
    this.#link = new Throughput(clock.nowMs());
  }

  /** Other settings, from now on; the calendar is this machine's to follow, so it also holds while the server is away. */
  adjust(settings: ThrottleSettings): void {
    this.#settings = settings;
    this.#applyCaps();
    this.#serve();
  }

  get figures(): PaceFigures {
    const nowMs = this.#clock.nowMs();
    const rates = this.#openDevices().flatMap(({ reads, share }) => {
      const capacity = reads.capacityBytesPerSecond(nowMs);
      return capacity === null ? [] : [capacity * (share.share ?? 1)];
    });
    return {
      caps: this.#caps,
      sentBytesPerSecond: this.#link.bytesPerSecond(nowMs),
      linkBytesPerSecond: this.#link.capacityBytesPerSecond(nowMs),
      storageBytesPerSecond: rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate, 0),
      givesWay: this.#openDevices().some((device) => device.givesWay),
    };
  }

  /**
   * The pace of one disk, until it is closed.
   * @param isHeld the file systems are held still: nobody else needs the disk, and the sooner it is read the better, so
   *   that the share of time does not apply. Queue depth and network cap do.
   */
  async ofDisk(path: string, isHeld: boolean): Promise<DiskPace> {
    const device = await this.#deviceOf(path);
    device.users += 1;
    this.#lookAtMs ??= this.#clock.nowMs();
    this.#serve();
    return {
      read: (bytes, work, signal) => this.#read(device, isHeld, bytes, work, signal),
      write: (payloadBytes, work, signal) => this.#write(payloadBytes, work, signal),
      close: () => this.#close(device),
    };
  }

  async #deviceOf(path: string): Promise<PacedDevice> {
    const known = this.#devices.get(path);
    if (known !== undefined) return known;
    const opened = new PacedDevice(await this.#statisticsOf(path), this.#caps, this.#clock.nowMs());
    const device = this.#devices.get(path) ?? opened;
    device.adjust(this.#caps, this.#clock.nowMs());
    this.#devices.set(path, device);
    return device;
  }

  #close(device: PacedDevice): void {
    device.users -= 1;
    if (device.users === 0) device.pauseLooking();
    if (this.#openDevices().length > 0) return;
    this.#lookAtMs = null;
    this.#serve();
  }

  async #read<T>(
    device: PacedDevice,
    isHeld: boolean,
    bytes: number,
    work: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const waiting = this.#readers.wait(bytes, { device, isHeld }, signal, () => this.#serve());
    this.#serve();
    await waiting;
    // Admitted: it counts as in flight already.
    let done = 0;
    try {
      const result = await work();
      done = bytes;
      return result;
    } finally {
      device.end(done, this.#clock.nowMs(), !isHeld);
      this.#readsInFlight -= 1;
      this.#serve();
    }
  }

  async #write<T>(payloadBytes: number, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const wireBytes = wireBytesOf(payloadBytes);
    for (let left = wireBytes; left > 0;) {
      const part = Math.min(left, MOST_BYTES_AT_ONCE);
      left -= part;
      const waiting = this.#writers.wait(part, {}, signal, () => this.#serve());
      this.#serve();
      await waiting;
    }
    this.#link.begin(this.#clock.nowMs());
    let done = 0;
    try {
      const result = await work();
      done = wireBytes;
      return result;
    } finally {
      this.#link.end(done, this.#clock.nowMs());
    }
  }

  /** Admits whoever may go on now, and sees to it that this is called again when somebody else may. */
  #serve(): void {
    const nowMs = this.#clock.nowMs();
    this.#admitWriters(nowMs);
    this.#readers.admitWhere(({ device, isHeld }) => {
      if (this.#readsInFlight >= this.#settings.storageQueueDepth) return false;
      if (!isHeld && !device.share.mayBegin(nowMs)) return false;
      this.#readsInFlight += 1;
      device.begin(nowMs, !isHeld);
      return true;
    });
    this.#wakeIn(this.#msUntilNext(nowMs), nowMs);
  }

  /** In order: a small request does not overtake a large one. */
  #admitWriters(nowMs: number): void {
    let isOpen = true;
    this.#writers.admitWhere(({ bytes }) => {
      isOpen &&= this.#network.tryTake(bytes, nowMs);
      return isOpen;
    });
  }

  /** @returns null: when somebody asks, and not before */
  #msUntilNext(nowMs: number): number | null {
    const waits: number[] = [];
    const { first } = this.#writers;
    if (first !== undefined) {
      const wanted = Math.max(first.bytes, Math.min(this.#writers.totalBytes, this.#network.quantumBytes));
      waits.push(this.#network.msUntil(wanted, nowMs));
    }
    if (this.#readsInFlight < this.#settings.storageQueueDepth) {
      for (const { device } of this.#readers) waits.push(device.share.msUntilMayBegin(nowMs));
    }
    if (this.#lookAtMs !== null && !this.#isLooking) waits.push(this.#lookAtMs - nowMs);
    return waits.length === 0 ? null : Math.max(1, Math.ceil(Math.min(...waits)));
  }

  #wakeIn(delayMs: number | null, nowMs: number): void {
    const atMs = delayMs === null ? null : nowMs + delayMs;
    // A wake-up that comes a little early or late is as good: timers are not made and dropped for every request.
    if (this.#wake !== null && atMs !== null && this.#wake.atMs <= atMs && this.#wake.atMs > nowMs) return;
    this.#wake?.cancel();
    this.#wake = null;
    if (atMs === null || delayMs === null) return;
    const cancel = this.#clock.after(delayMs, () => {
      this.#wake = null;
      this.#lookIfDue();
      this.#serve();
    });
    this.#wake = { atMs, cancel };
  }

  #lookIfDue(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#lookAtMs === null || this.#isLooking || nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_INTERVAL_MS;
    this.#isLooking = true;
    this.#link.roll(nowMs);
    const open = this.#openDevices();
    for (const { reads } of open) reads.roll(nowMs);
    this.#applyCaps();
    // A statistic that cannot be read is one that says nothing; the caps hold without it.
    void Promise.allSettled(open.map((device) => device.look(() => this.#clock.nowMs()))).then(() => {
      this.#isLooking = false;
      this.#serve();
    });
  }

  #applyCaps(): void {
    const nowMs = this.#clock.nowMs();
    this.#caps = capsAt(this.#settings, this.#clock.now());
    if (this.#network.bytesPerSecond !== this.#caps.networkBytesPerSecond) {
      this.#network.adjust(this.#caps.networkBytesPerSecond, nowMs);
    }
    for (const device of this.#devices.values()) device.adjust(this.#caps, nowMs);
  }

  #openDevices(): PacedDevice[] {
    return [...this.#devices.values()].filter(({ users }) => users > 0);
  }
}
