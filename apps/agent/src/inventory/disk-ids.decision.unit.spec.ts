import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskIdsOf } from './disk-ids.decision.js';

const disk = (
  kernelName: string,
  serial: string | null = null,
  wwn: string | null = null,
  contentId: string | null = null,
) => ({ kernelName, serial, wwn, contentId });

describe('diskIdsOf', () => {
  it('prefers the serial number, then the WWN, then what is on it, then the kernel name', () => {
    const disks = [disk('sda', 'S1', 'W1', 'C1'), disk('sdb', null, 'W2', 'C2'), disk('sdc', null, null, 'C3')];
    expect(diskIdsOf([...disks, disk('sdd')])).toEqual(['S1', 'W2', 'C3', 'sdd']);
  });

  it('is that of the same disk when kernel names change places', () => {
    const [system, data] = [
      { serial: null, wwn: null, contentId: 'c0ffee01' },
      { serial: null, wwn: null, contentId: 'c0ffee02' },
    ];
    const before = diskIdsOf([
      { ...system, kernelName: 'sda' },
      { ...data, kernelName: 'sdb' },
    ]);
    expect(
      diskIdsOf([
        { ...data, kernelName: 'sda' },
        { ...system, kernelName: 'sdb' },
      ]),
    ).toEqual(before.toReversed());
  });

  it('does not use the id of a content that was copied', () => {
    expect(diskIdsOf([disk('sda', null, null, 'C'), disk('sdb', null, null, 'C')])).toEqual(['sda', 'sdb']);
  });

  it('does not use a serial number that two disks share', () => {
    expect(diskIdsOf([disk('sda', 'S', 'W1'), disk('sdb', 'S', 'W2'), disk('sdc', 'S')])).toEqual(['W1', 'W2', 'sdc']);
  });

  it('does not use a serial number that says nothing', () => {
    expect(diskIdsOf([disk('sda', '00000000', '0x0000'), disk('sdb', '--', '0x5000')])).toEqual(['sda', '0x5000']);
  });

  it('makes them safe as file names', () => {
    expect(diskIdsOf([disk('sda', '../../etc/passwd'), disk('cciss!c0d0'), disk('sdc', 'A B')])).toEqual([
      'etc-passwd',
      'cciss-c0d0',
      'A-B',
    ]);
  });

  it("survives a serial number that is another disk's kernel name", () => {
    expect(diskIdsOf([disk('sda', 'sdb'), disk('sdb')])).toEqual(['sda', 'device-sdb']);
  });

  it('always gives each disk its own safe id', () => {
    const word = fc.option(fc.string({ maxLength: 150 }), { nil: null });
    const machine = fc
      .array(fc.record({ serial: word, wwn: word, contentId: word }), { maxLength: 12 })
      .map((disks) => disks.map((own, index) => ({ ...own, kernelName: `sd${'abcdefghijkl'.charAt(index)}` })));
    fc.assert(
      fc.property(machine, (disks) => {
        const ids = diskIdsOf(disks);
        expect(new Set(ids).size).toBe(disks.length);
        for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,107}$/);
      }),
    );
  });
});
