import type { EndpointReport } from '#libs/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkClosedError, Outbox, OutboxFullError } from './outbox.js';

const failed = (detail: string): EndpointReport => ({
  kind: 'round-failed',
  taskId: '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001',
  assignmentId: '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a002',
  roundId: '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a003',
  code: 'DATA_PATH_LOST',
  detail,
});

function outboxWith(count: number, maxReports?: number): { outbox: Outbox; answers: Promise<string>[] } {
  let next = 0;
  const outbox = new Outbox(
    () => `report-${next++}`,
    () => 0,
    maxReports,
  );
  const answers = Array.from({ length: count }, (_, index) => outbox.add(failed(String(index))));
  return { outbox, answers };
}
const ids = (reports: readonly { reportId: string }[]): string[] => reports.map((report) => report.reportId);

describe('Outbox', () => {
  it('hands reports out once, in order, as far as the window allows', () => {
    const { outbox } = outboxWith(3);
    expect(ids(outbox.takeNext(2))).toEqual(['report-0', 'report-1']);
    expect(outbox.takeNext(2)).toEqual([]);
    outbox.answered('report-0', 'acknowledged');
    expect(ids(outbox.takeNext(2))).toEqual(['report-2']);
  });

  it('repeats everything unanswered, in order, after a lost connection', () => {
    const { outbox } = outboxWith(3);
    outbox.takeNext(3);
    outbox.answered('report-1', 'acknowledged');
    outbox.connectionLost();
    expect(ids(outbox.takeNext(3))).toEqual(['report-0', 'report-2']);
  });

  it('remembers when a report was made, however often it is sent', () => {
    let nowMs = 1_000;
    const outbox = new Outbox(
      () => 'report',
      () => nowMs,
    );
    void outbox.add(failed('once'));
    nowMs = 5_000;
    const madeAtMs = (): number[] => outbox.takeNext(1).map((report) => report.madeAtMs);
    expect(madeAtMs()).toEqual([1_000]);
    outbox.connectionLost();
    expect(madeAtMs()).toEqual([1_000]);
  });

  it('tells the caller how its report was answered, and ignores a second answer', async () => {
    const { outbox, answers } = outboxWith(2);
    outbox.answered('report-0', 'refused');
    outbox.answered('report-0', 'acknowledged');
    outbox.answered('report-1', 'acknowledged');
    expect(await Promise.all(answers)).toEqual(['refused', 'acknowledged']);
    expect(outbox.size).toBe(0);
  });

  it('takes no more than its limit, and again when there is room', () => {
    const { outbox } = outboxWith(2, 2);
    expect(() => outbox.add(failed('too much'))).toThrow(OutboxFullError);
    outbox.answered('report-0', 'acknowledged');
    expect(() => outbox.add(failed('fits'))).not.toThrow();
  });

  it('rejects what was never answered when the link ends', async () => {
    const { outbox, answers } = outboxWith(1);
    outbox.close();
    await expect(answers[0]).rejects.toBeInstanceOf(LinkClosedError);
  });

  it('delivers every report, first deliveries in order, whatever is lost on the way', () => {
    const losses = fc.array(fc.record({ delivered: fc.nat(5), answered: fc.nat(5) }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), losses, (count, connections) => {
        const { outbox } = outboxWith(count);
        const firstDeliveries: string[] = [];
        const deliver = (reportId: string): void => {
          if (!firstDeliveries.includes(reportId)) firstDeliveries.push(reportId);
        };
        for (const connection of connections) {
          const delivered = ids(outbox.takeNext(4)).slice(0, connection.delivered);
          delivered.forEach(deliver);
          for (const id of delivered.slice(0, connection.answered)) outbox.answered(id, 'acknowledged');
          outbox.connectionLost();
        }
        for (let batch = ids(outbox.takeNext(4)); batch.length > 0; batch = ids(outbox.takeNext(4))) {
          for (const id of batch) {
            deliver(id);
            outbox.answered(id, 'acknowledged');
          }
        }
        expect(firstDeliveries).toEqual(Array.from({ length: count }, (_, index) => `report-${index}`));
      }),
    );
  });
});
