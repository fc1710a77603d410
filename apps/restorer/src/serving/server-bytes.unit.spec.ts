import { expect, it } from 'vitest';
import { readServerBytes, serverBytesIn } from './server-bytes.js';

it('reads what the kernel counts', () => {
  const io = 'rchar: 3160220\nwchar: 2097158\nsyscr: 36\nsyscw: 3\nread_bytes: 36864\nwrite_bytes: 1056768\n';
  expect(serverBytesIn(io)).toEqual({ takenBytes: 3_160_220, writtenBytes: 2_097_158 });
});

it.each(['', 'rchar: 1\n', 'rchar: 1\nwchar: x\n', 'rchar: 1\nwchar: 99999999999999999999\n'])(
  'makes nothing of "%s"',
  (io) => {
    expect(serverBytesIn(io)).toBeNull();
  },
);

it('has nothing to say about a process that is gone', async () => {
  expect(await readServerBytes(2 ** 30)).toBeNull();
});
