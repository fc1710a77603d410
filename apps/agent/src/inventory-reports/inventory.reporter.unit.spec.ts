import type { EndpointReport, MachineInventory } from '#libs/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { fakeDisk, fakeInventory } from '../round/round-fixture.fake.js';
import { INVENTORY_REPORT_INTERVAL_MS, isInventoryDue } from './inventory-change.decision.js';
import { INVENTORY_CHECK_INTERVAL_MS, InventoryReporter } from './inventory.reporter.js';

const FIRST = fakeInventory([fakeDisk('a', 10, '/a')]);

describe('isInventoryDue', () => {
  const due = (inventory: MachineInventory, nowMs = 1): boolean =>
    isInventoryDue({ inventory: FIRST, atMs: 0 }, inventory, nowMs);

  it('is due first, after the interval, and when something lasting has changed', () => {
    expect(isInventoryDue(null, FIRST, 0)).toBe(true);
    expect(due(FIRST)).toBe(false);
    expect(due(FIRST, INVENTORY_REPORT_INTERVAL_MS)).toBe(true);
    expect(due(fakeInventory([fakeDisk('a', 11, '/a')]))).toBe(true);
    expect(due(fakeInventory([fakeDisk('a', 10)]))).toBe(true);
    expect(due({ ...FIRST, networkMounts: [{ source: 's', mountPoint: '/n', type: 'nfs' }] })).toBe(true);
  });

  it('is not due for figures that always change', () => {
    const filled = structuredClone(FIRST);
    filled.memoryFreeBytes = 12;
    filled.disks[0]!.partitions[0]!.fileSystem!.usedBytes = 9;
    expect(due(filled)).toBe(false);
  });
});

describe('InventoryReporter', () => {
  let reports: EndpointReport[];
  let answers: (() => void)[];
  let current: MachineInventory | Error;
  let nowMs: number;
  let waits: { delayMs: number; action: () => void }[];
  let reporter: InventoryReporter;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    [reports, answers, waits, nowMs, current] = [[], [], [], 0, FIRST];
    reporter = new InventoryReporter({
      collectInventory: async () => {
        if (current instanceof Error) throw current;
        return current;
      },
      report: (report) => {
        reports.push(report);
        return new Promise<void>((resolve) => answers.push(resolve));
      },
      scheduler: {
        nowMs: () => nowMs,
        after: (delayMs, action) => {
          waits.push({ delayMs, action });
          return () => undefined;
        },
      },
      log: () => undefined,
    });
  });

  it('reports at the start, and again when the machine has changed', async () => {
    const abort = new AbortController();
    const running = reporter.run(abort.signal);
    await turn();
    expect(reports).toEqual([{ kind: 'inventory', inventory: FIRST }]);
    answers.shift()?.();
    for (const disks of [[fakeDisk('a', 10, '/a')], [fakeDisk('b', 10)]]) {
      current = fakeInventory(disks);
      const wait = waits.shift();
      expect(wait?.delayMs).toBe(INVENTORY_CHECK_INTERVAL_MS);
      wait?.action();
      await turn();
    }
    expect(reports.slice(1)).toEqual([{ kind: 'inventory', inventory: current }]);
    abort.abort();
    await running;
  });

  it('queues nothing behind a report that the server has not answered', async () => {
    await reporter.collect();
    current = fakeInventory([]);
    await reporter.collect();
    expect(reports).toHaveLength(1);
    answers.shift()?.();
    await turn();
    await reporter.collect();
    expect(reports).toHaveLength(2);
  });

  it('survives a machine that cannot be looked at', async () => {
    current = new Error('lsblk is missing');
    const abort = new AbortController();
    const running = reporter.run(abort.signal);
    await turn();
    current = FIRST;
    waits.shift()?.action();
    await turn();
    expect(reports).toHaveLength(1);
    abort.abort();
    await running;
  });
});
