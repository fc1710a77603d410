import { describe, expect, it } from 'vitest';
import { parseEventFormat, parsePageLayout } from './trace-format.parser.js';
import { parseTracePage } from './trace-page.parser.js';
import { lossIn } from './trace-stats.parser.js';
import { blockEventFields, readBeginning, readCompletion, typeOf } from './write-event.decision.js';

/** As Linux 6.18 has it; older kernels give `rwbs` eight bytes and have no `ioprio`. */
const FORMAT = `name: block_rq_complete
ID: 2107
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:dev_t dev;	offset:8;	size:4;	signed:0;
	field:sector_t sector;	offset:16;	size:8;	signed:0;
	field:unsigned int nr_sector;	offset:24;	size:4;	signed:0;
	field:int error;	offset:28;	size:4;	signed:1;
	field:unsigned short ioprio;	offset:32;	size:2;	signed:0;
	field:char rwbs[10];	offset:34;	size:10;	signed:0;
	field:__data_loc char[] cmd;	offset:44;	size:4;	signed:0;

print fmt: "%d,%d %s (%s) %llu + %u %s,%u,%u [%d]", ((unsigned int) ((REC->dev) >> 20))
`;
const HEADER_PAGE = `	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:16;	size:4080;	signed:0;
`;
const EVENT_BYTES = 48;
const DEVICE = 7 * 2 ** 20 + 3;

const fields = blockEventFields(parseEventFormat(FORMAT));
const layout = parsePageLayout(HEADER_PAGE);

interface Completion {
  readonly sector: bigint;
  readonly sectors: number;
  readonly rwbs: string;
  readonly id?: number;
}

function completion({ sector, sectors, rwbs, id = 2107 }: Completion): Uint8Array {
  const data = Buffer.alloc(EVENT_BYTES);
  data.writeUInt16LE(id, 0);
  data.writeUInt32LE(DEVICE, 8);
  data.writeBigUInt64LE(sector, 16);
  data.writeUInt32LE(sectors, 24);
  data.write(rwbs, 34, 'latin1');
  return data;
}

/** A word of five bits of type or length, and of time. */
const word = (typeLength: number, time = 1): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(time * 32 + typeLength);
  return bytes;
};
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

function pageOf(parts: Uint8Array[], flags = 0, bytes = 4096): Uint8Array {
  const page = Buffer.alloc(bytes);
  const data = Buffer.concat(parts);
  page.writeUInt32LE(data.length + flags, 8);
  page.set(data, 16);
  return page;
}

describe('a completed request', () => {
  const kindOf = (rwbs: string, sector = 8n, sectors = 8): string =>
    readCompletion(completion({ rwbs, sector, sectors }), fields).kind;

  it('names the device and the sectors, beyond 2 TiB too', () => {
    expect(readCompletion(completion({ rwbs: 'WS', sector: 2n ** 33n, sectors: 2048 }), fields)).toEqual({
      kind: 'write',
      device: DEVICE,
      sector: 2 ** 33,
      sectors: 2048,
    });
  });

  it.each(['W', 'WS', 'WFS', 'FWFS', 'WM', 'WSM', 'N', 'NS', 'ZA', 'A', 'F', ''])(
    'is a write when it is %j: also a zeroing, and what nobody knows',
    (rwbs) => {
      expect(kindOf(rwbs)).toBe('write');
    },
  );

  it.each(['D', 'DS', 'DE', 'FD'])('is a discard when it is %s', (rwbs) => {
    expect(kindOf(rwbs)).toBe('discard');
    expect(readBeginning(completion({ rwbs, sector: 8n, sectors: 16 }), fields)).toEqual({
      kind: 'discard-begun',
      device: DEVICE,
      sector: 8,
      sectors: 16,
    });
  });

  it.each(['W', 'N', 'R', 'FF'])('means nothing when it begins and is %s', (rwbs) => {
    expect(readBeginning(completion({ rwbs, sector: 8n, sectors: 16 }), fields).kind).toBe('nothing');
  });

  it.each(['R', 'RA', 'RS', 'RM', 'RSM'])('is nothing when it is the read %s', (rwbs) => {
    expect(kindOf(rwbs)).toBe('nothing');
  });

  it('is nothing when it moved no data, such as a flush', () => {
    expect(kindOf('FF', 2n ** 64n - 1n, 0)).toBe('nothing');
    expect(kindOf('N', 0n, 0)).toBe('nothing');
    expect(kindOf('N', 2n ** 64n - 1n, 0)).toBe('nothing');
  });

  it('may be anything when it was passed through', () => {
    // What Linux 6.18 says of `cat /sys/block/vda/serial`, but for the length.
    expect(kindOf('N', 18446744073709551615n, 1)).toBe('raw-command');
    expect(kindOf('NS', 18446744073709551615n, 128)).toBe('raw-command');
    expect(kindOf('N', 0n, 1)).toBe('raw-command');
    expect(kindOf('NS', 0n, 8)).toBe('raw-command');
    expect(kindOf('W', 0n, 8)).toBe('write');
  });

  it('is told from other events by its type', () => {
    expect(typeOf(completion({ id: 5, rwbs: 'W', sector: 8n, sectors: 8 }))).toBe(5);
  });
});

describe('a page of the ring buffer', () => {
  const event = completion({ rwbs: 'W', sector: 8n, sectors: 8 });

  it('is taken apart into its events, whatever is between them', () => {
    const parts = [
      ...[word(12), event],
      ...[word(30, 9), number(9)],
      ...[word(0), number(EVENT_BYTES + 4), event],
      ...[word(29, 7), number(8), number(0)],
      ...[word(31, 9), number(9)],
      ...[word(12), event],
      ...[word(29, 0), number(0)],
    ];
    const page = parseTracePage(pageOf(parts), layout);
    expect(page.hasMissedEvents).toBe(false);
    expect(page.events.map((data) => Buffer.compare(data, event))).toEqual([0, 0, 0]);
  });

  it('says that events are missing before it', () => {
    expect(parseTracePage(pageOf([word(12), event], 2 ** 31), layout)).toMatchObject({ hasMissedEvents: true });
    const counted = parseTracePage(pageOf([word(12), event], 2 ** 31 + 2 ** 30), layout);
    expect([counted.hasMissedEvents, counted.events.length]).toEqual([true, 1]);
  });

  it.each([
    ['shorter than its header', new Uint8Array(8)],
    ['shorter than it says', pageOf([word(12), event]).subarray(0, 40)],
    ['ending within an event', pageOf([word(12), event.subarray(0, 20)])],
    ['ending within a header', pageOf([word(0)])],
    ['with an event of no length', pageOf([word(0), number(0), number(0)]).fill(0, 20, 24)],
  ])('is refused when it is %s', (_what, page) => {
    expect(() => parseTracePage(page, layout)).toThrow();
  });
});

describe('the counters of a ring buffer', () => {
  const stats = (changes: Record<string, string> = {}): string =>
    Object.entries({ overrun: '0', 'commit overrun': '0', 'dropped events': '0', 'read events': '12', ...changes })
      .map(([name, value]) => `${name}: ${value}\n`)
      .join('');

  it('say that nothing was lost', () => {
    expect(lossIn(stats(), 12)).toBeNull();
  });

  it.each(['overrun', 'commit overrun', 'dropped events'])('say that something was lost: %s', (name) => {
    expect(lossIn(stats({ [name]: '3' }), 12)).toBe(`${name}: 3`);
  });

  it('say that somebody else has read', () => {
    expect(lossIn(stats(), 11)).toContain('11 of them by us');
  });

  it('are not relied on when one is missing', () => {
    expect(lossIn('overrun: 0\n', 0)).not.toBeNull();
    expect(lossIn(stats({ 'read events': '' }), 12)).not.toBeNull();
  });
});

describe('the form of events', () => {
  it('is refused when it is not the one that is read', () => {
    expect(() => blockEventFields(parseEventFormat(FORMAT.replace('size:8', 'size:4')))).toThrow('sector');
    expect(() => blockEventFields(parseEventFormat(FORMAT.replace('rwbs[10]', 'gone[10]')))).toThrow('rwbs');
    expect(() => parseEventFormat('name: x')).toThrow();
    expect(() => parsePageLayout(HEADER_PAGE.replace('commit;	offset:8;	size:8', 'commit;	offset:8;	size:4'))).toThrow();
  });
});
