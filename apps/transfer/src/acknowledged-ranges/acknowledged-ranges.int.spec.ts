import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { EventStoreDb } from '#libs/eventstore';
import { exampleContext } from '#libs/testing';
import { ROUND_1 } from '../replication/replication.examples.js';
import { AcknowledgedRanges } from './acknowledged-ranges.js';

const store = new EventStoreDb(inject('eventStoreUrl'));
afterAll(() => store.close());

const rangesFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ offsetBytes: (first + index) * 65_536, lengthBytes: 65_536 }));
const scene = () => {
  const taskId = randomUUID();
  const report = (first: number, count = 1) => ({
    taskId,
    roundId: ROUND_1,
    diskId: 'disk-a',
    ranges: rangesFrom(first, count),
  });
  const context = () => exampleContext({ commandId: randomUUID() });
  const recorded = async () =>
    (await store.readStream(`acknowledgedRanges-${taskId}`)).map(({ data }) => data as ReturnType<typeof report>);
  return { report, context, recorded };
};

describe('acknowledged ranges', () => {
  it('are recorded report by report, in order', async () => {
    const { report, context, recorded } = scene();
    const ranges = new AcknowledgedRanges(store);
    for (const first of [0, 1, 2]) await ranges.record(report(first), context());
    expect(await recorded()).toEqual([report(0), report(1), report(2)]);
  });

  it('are split, so that no event becomes too large', async () => {
    const { report, context, recorded } = scene();
    await new AcknowledgedRanges(store).record(report(0, 12_000), context());
    const events = await recorded();
    expect(events.map(({ ranges }) => ranges.length)).toEqual([5000, 5000, 2000]);
    expect(events.flatMap(({ ranges }) => ranges)).toEqual(rangesFrom(0, 12_000));
  });

  it('are recorded once when a report comes again, to the same replica or another, at once or later', async () => {
    const { report, context, recorded } = scene();
    const [here, there] = [new AcknowledgedRanges(store), new AcknowledgedRanges(store)];
    const [first, second] = [context(), context()];
    await here.record(report(0), first);
    await here.record(report(0), first);
    await here.record(report(1), second);
    await here.record(report(0), first);
    await there.record(report(0), first);
    await there.record(report(1), second);
    expect(await recorded()).toEqual([report(0), report(1)]);
  });

  it('of two replicas are all recorded', async () => {
    const { report, context, recorded } = scene();
    const [here, there] = [new AcknowledgedRanges(store), new AcknowledgedRanges(store)];
    for (const first of [0, 2, 4]) {
      await here.record(report(first), context());
      await there.record(report(first + 1), context());
    }
    expect(await recorded()).toEqual([0, 1, 2, 3, 4, 5].map((first) => report(first)));
  });
});
