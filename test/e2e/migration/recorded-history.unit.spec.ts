import { describe, expect, it } from 'vitest';
import type { EventView } from '#libs/contracts';
import { disorderIn, unexplainedIn } from './recorded-history.js';

const event = (position: number, fields: Partial<EventView> = {}): EventView => ({
  eventId: `event-${position}`,
  stream: 'cutover-1',
  revision: String(position),
  position: String(position),
  type: 'cutover.cutover-requested.v1',
  occurredAt: '2026-03-02T20:00:00.000Z',
  actor: 'operator:anna',
  correlationId: 'task-1',
  causationId: `command-${position}`,
  commandId: `command-${position}`,
  data: {},
  ...fields,
});

const reaction = (position: number, causationId: string): EventView =>
  event(position, { actor: 'service:planning', causationId });

describe('disorderIn', () => {
  it('has nothing to say about events in the order of the log', () => {
    expect(disorderIn([event(9), event(10), event(11)])).toEqual([]);
  });
  it('lets the revision order what was appended together', () => {
    const together = { position: '5' };
    expect(disorderIn([event(1, together), event(2, together)])).toEqual([]);
    expect(disorderIn([event(2, together), event(1, together)])).toHaveLength(1);
  });
  it('names an event before an older one, and one that is told twice', () => {
    expect(disorderIn([event(10), event(9)])).toHaveLength(1);
    expect(disorderIn([event(9), event(9)])).toHaveLength(1);
  });
});

describe('unexplainedIn', () => {
  it('takes a command as its own cause, and an earlier event as the cause of a reaction', () => {
    expect(unexplainedIn([event(1), reaction(2, 'event-1')])).toEqual([]);
  });
  it('names a reaction to an event that comes later, or that nobody recorded', () => {
    expect(unexplainedIn([reaction(1, 'event-2'), event(2)])).toHaveLength(1);
    expect(unexplainedIn([event(1), reaction(2, 'elsewhere')])).toHaveLength(1);
  });
  it("names a person's command with a cause that nobody recorded", () => {
    expect(unexplainedIn([event(1, { causationId: 'elsewhere' })])).toHaveLength(1);
  });
  it('takes a report as the cause of the ranges that it acknowledged', () => {
    const type = 'transfer.ranges-acknowledged.v1';
    const causationId = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001';
    expect(unexplainedIn([event(1, { type, causationId, actor: 'endpoint:agent' })])).toEqual([]);
  });
});
