import { describe, expect, it } from 'vitest';
import { type HciSiteView, type SourceMachineView, targetSpecification } from '#libs/contracts';
import { TB, exampleBlankDisk, exampleDisk, exampleRequest } from '../../../pre-check/example-request.js';
import { type MigrationTaskOrder, assessOrder } from './assess-order.js';

const sourceMachineId = 'c0729405-0001-4000-8000-000000000001';
const siteId = 'c0729405-0002-4000-8000-000000000002';

const source = (disks = [exampleDisk('D1'), exampleDisk('D2')]): SourceMachineView => ({
  sourceMachineId,
  name: 'web1',
  connected: true,
  enrolledAt: '2026-03-01T10:00:00.000Z',
  lastChangeAt: '2026-03-01T10:00:00.000Z',
  software: 'landfall-agent 0.1.0',
  inventory: { ...exampleRequest().inventory, disks },
});
const site: HciSiteView = {
  siteId,
  name: 'Rack 2',
  driver: 'local-process',
  version: '1.0',
  registeredAt: '2026-03-01T10:00:00.000Z',
};
const order = (more: Partial<MigrationTaskOrder> = {}): MigrationTaskOrder => ({
  name: 'web1 to rack 2',
  sourceMachineId,
  siteId,
  target: {},
  copyRawDisks: false,
  settings: {},
  ...more,
});
const codesOf = (assessed: ReturnType<typeof assessOrder>): string[] => assessed.concerns.map(({ code }) => code);

describe('what an order amounts to', () => {
  it('is every disk of the machine, each with a target disk', () => {
    const assessed = assessOrder(order(), source(), site);
    expect(assessed.inventory.disks.map(({ diskId }) => diskId)).toEqual(['D1', 'D2']);
    expect(assessed.target.disks.map(({ sourceDiskId }) => sourceDiskId)).toEqual(['D1', 'D2']);
    expect(codesOf(assessed)).toEqual([]);
    expect(() => targetSpecification.parse(assessed.target)).not.toThrow();
  });

  it('is only the chosen disks, and only they are checked', () => {
    const disks = [exampleDisk('D1'), exampleBlankDisk('D2')];
    expect(codesOf(assessOrder(order(), source(disks), site))).toContain('PRECHECK.RAW_DISK');
    const assessed = assessOrder(order({ diskIds: ['D1'] }), source(disks), site);
    expect(assessed.inventory.disks.map(({ diskId }) => diskId)).toEqual(['D1']);
    expect(assessed.target.disks.map(({ sourceDiskId }) => sourceDiskId)).toEqual(['D1']);
    expect(codesOf(assessed)).toEqual([]);
  });

  it('heeds that the operator wants raw disks copied', () => {
    const disks = [exampleBlankDisk('D1')];
    const refusing = assessOrder(order(), source(disks), site).concerns;
    const copying = assessOrder(order({ copyRawDisks: true }), source(disks), site).concerns;
    expect(copying).not.toEqual(refusing);
  });

  it('has the allocation that was decided, not the one that was wished for', () => {
    const big = exampleDisk('D1', { sizeBytes: 17 * TB, allocation: 'dynamic' });
    const assessed = assessOrder(order(), source([big]), site);
    expect(assessed.decisions).toHaveLength(1);
    expect(assessed.target.disks).toMatchObject([{ allocation: 'thin', sizeBytes: 17 * TB }]);
  });

  it('is nothing without an inventory', () => {
    expect(() => assessOrder(order(), { ...source(), inventory: null }, site)).toThrow(
      expect.objectContaining({ code: 'PLANNING.SOURCE_WITHOUT_INVENTORY' }),
    );
  });

  it('is nothing with disks that the machine does not have, which are named', () => {
    expect(() => assessOrder(order({ diskIds: ['D1', 'D7', 'D9'] }), source(), site)).toThrow(
      expect.objectContaining({ code: 'PLANNING.DISK_NOT_FOUND', details: { diskIds: ['D7', 'D9'] } }),
    );
  });
});
