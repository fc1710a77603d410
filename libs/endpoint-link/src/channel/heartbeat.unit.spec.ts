import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { keepAlive, type HeartbeatSocket } from './heartbeat.js';
import { ManualScheduler } from './manual-scheduler.fake.js';

class FakeSocket extends EventEmitter implements HeartbeatSocket {
  readonly OPEN = 1;
  readyState = 1;
  pings = 0;
  ping(): void {
    this.pings += 1;
  }
}

function beating(): { socket: FakeSocket; scheduler: ManualScheduler; silences: () => number; stop: () => void } {
  const socket = new FakeSocket();
  const scheduler = new ManualScheduler();
  let silences = 0;
  const stop = keepAlive(socket, scheduler, () => (silences += 1), { intervalMs: 10, silenceLimitMs: 30 });
  return { socket, scheduler, silences: () => silences, stop };
}

describe('keepAlive', () => {
  it('pings at its interval', () => {
    const { socket, scheduler } = beating();
    scheduler.advance(25);
    expect(socket.pings).toBe(2);
  });

  it('notices silence once, at its limit', () => {
    const { scheduler, silences } = beating();
    scheduler.advance(29);
    expect(silences()).toBe(0);
    scheduler.advance(1);
    expect(silences()).toBe(1);
    scheduler.advance(1000);
    expect(silences()).toBe(1);
  });

  it.each(['pong', 'ping', 'message'])('takes a %s as a sign of life', (sign) => {
    const { socket, scheduler, silences } = beating();
    scheduler.advance(25);
    socket.emit(sign);
    scheduler.advance(25);
    expect(silences()).toBe(0);
    scheduler.advance(10);
    expect(silences()).toBe(1);
  });

  it('is quiet when stopped', () => {
    const { socket, scheduler, silences, stop } = beating();
    stop();
    scheduler.advance(1000);
    expect([socket.pings, silences()]).toEqual([0, 0]);
  });
});
