import type { Caps } from '#libs/contracts';
import { BusyShare } from './busy-share.js';
import {
  othersLatencyBetween,
  usualLatencyOf,
  type DeviceStatistics,
  type StatisticsReader,
} from './device-statistics.js';
import { GivingWay } from './giving-way.js';
import { Throughput } from './throughput.js';

/** However slow the source is: a round always goes on with this share of a device, or its cap if that is less. */
const LEAST_SHARE = 0.01;

/** One disk of the source, as it is read; it is remembered from round to round. */
export class PacedDevice {
  readonly share: BusyShare;
  readonly reads: Throughput;
  /** How many rounds have it open. */
  users = 0;
  #capShare: number | null;
  #way = new GivingWay();
  #before: DeviceStatistics | null = null;
  #ownRequests = 0;

  constructor(
    private readonly statistics: StatisticsReader,
    { storageShare }: Caps,
    nowMs: number,
  ) {
    this.#capShare = storageShare;
    this.share = new BusyShare(storageShare, nowMs);
    this.reads = new Throughput(nowMs);
  }

  /** Less than the cap is used, as the source needs its disk. */
  get givesWay(): boolean {
    return this.#capShare !== null && this.#way.part < 1;
  }

  adjust({ storageShare }: Caps, nowMs: number): void {
    this.#capShare = storageShare;
    this.share.adjust(this.#shareInForce, nowMs);
  }

  /** @param isCharged it counts against the share of time */
  begin(nowMs: number, isCharged: boolean): void {
    if (isCharged) this.share.begin(nowMs);
    this.reads.begin(nowMs);
  }

  /** @param bytes 0: it failed */
  end(bytes: number, nowMs: number, isCharged: boolean): void {
    if (isCharged) this.share.end(nowMs);
    this.reads.end(bytes, nowMs);
    // Rather too many: our own requests must not be taken for the source's.
    this.#ownRequests += Math.ceil(bytes / this.statistics.leastRequestBytes) + 1;
  }

  /** Once per interval, while it is open: looks at what the source's own requests take. */
  async look(nowMs: () => number): Promise<void> {
    const ownRequests = this.#ownRequests;
    const after = await this.statistics.read();
    this.#ownRequests -= ownRequests;
    if (after === null) return;
    if (this.#before === null) this.#way = new GivingWay(usualLatencyOf(after));
    else this.#way.observe(othersLatencyBetween(this.#before, after, ownRequests));
    this.#before = after;
    this.share.adjust(this.#shareInForce, nowMs());
  }

  /** What was seen before is too old to go on from. */
  pauseLooking(): void {
    this.#ownRequests = 0;
    this.#before = null;
  }

  get #shareInForce(): number | null {
    if (this.#capShare === null) return null;
    return Math.max(Math.min(this.#capShare, LEAST_SHARE), this.#capShare * this.#way.part);
  }
}
