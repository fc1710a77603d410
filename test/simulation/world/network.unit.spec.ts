import { describe, expect, it } from 'vitest';
import { CONTROL_SILENCE_MS, type Closure, type Connection, Path, type Side } from './network.js';
import { Random } from './random.js';
import { HOUR, MINUTE, SECOND, SimulatedClock } from './simulated-clock.js';

const scene = (hiccup = 0) => {
  const clock = new SimulatedClock();
  const manner = { latencyMs: [1, 40], hiccup, hiccupMs: SECOND, reset: 0 } as const;
  const path = new Path('test', clock, new Random(1, 'network'), manner);
  const connection = path.open(CONTROL_SILENCE_MS);
  const heard: Record<Side, unknown[]> = { client: [], server: [] };
  const closed: Partial<Record<Side, Closure>> = {};
  for (const side of ['client', 'server'] as const) listen(connection, side, heard, closed);
  const pass = (ms: number) => clock.passUntil(clock.nowMs + ms);
  return { clock, path, connection, heard, closed, pass };
};

const listen = (
  connection: Connection,
  side: Side,
  heard: Record<Side, unknown[]>,
  closed: Partial<Record<Side, Closure>>,
): void =>
  connection.listen(
    side,
    (message) => heard[side].push(message),
    (why) => (closed[side] = why),
  );

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('a connection', () => {
  it('brings everything once and in order, however long single messages take', async () => {
    const { connection, heard, pass } = scene(0.3);
    for (const number of numbers(100)) connection.send('client', number);
    await pass(MINUTE);
    expect(heard.server).toEqual(numbers(100));
  });

  it('holds what is sent over a cut path until the path is back', async () => {
    const { connection, heard, path, closed, pass } = scene();
    path.cut();
    connection.send('client', 'held');
    await pass(30 * SECOND);
    expect(heard.server).toEqual([]);
    path.restore();
    await pass(SECOND);
    expect(heard.server).toEqual(['held']);
    expect(closed).toEqual({});
  });

  it('is given up by both sides, each on its own, when the path stays cut', async () => {
    const { connection, heard, path, closed, pass } = scene();
    path.cut();
    connection.send('client', 'lost');
    await pass(MINUTE);
    expect(closed).toEqual({ client: 'silent', server: 'silent' });
    path.restore();
    await pass(HOUR);
    expect(heard.server).toEqual([]);
  });

  it('tells the other side of its end behind what was sent before', async () => {
    const { connection, heard, closed, pass } = scene();
    connection.send('client', 'last words');
    connection.close('client');
    await pass(SECOND);
    expect(heard.server).toEqual(['last words']);
    expect(closed).toEqual({ server: 'closed by the other side' });
  });

  it('ends in silence for the other side when a machine loses its power', async () => {
    const { connection, closed, pass } = scene();
    connection.vanish('client');
    await pass(44 * SECOND);
    expect(closed).toEqual({});
    await pass(16 * SECOND);
    expect(closed).toEqual({ server: 'silent' });
  });

  it('loses what is under way when it is reset', async () => {
    const { connection, heard, closed, pass } = scene();
    connection.send('client', 'under way');
    connection.reset();
    await pass(SECOND);
    expect(heard.server).toEqual([]);
    expect(closed).toEqual({ client: 'reset', server: 'reset' });
  });
});
