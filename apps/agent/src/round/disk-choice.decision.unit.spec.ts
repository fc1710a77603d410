import { describe, expect, it } from 'vitest';
import { chooseDisks } from './disk-choice.decision.js';
import { fakeAssignment, fakeDisk, fakeInventory } from './round-fixture.fake.js';

describe('chooseDisks', () => {
  it('finds disks by id although the kernel names them anew, small ones first', () => {
    const [large, small] = [fakeDisk('large', 200), fakeDisk('small', 100)];
    const renamed = { ...small, device: '/dev/sdz' };
    const chosen = chooseDisks(fakeAssignment('full', [large, small]), fakeInventory([large, renamed]));
    expect(chosen.map(({ present }) => present.device)).toEqual(['/dev/sdz', '/dev/large']);
  });

  it('takes them in the order that the operator gave, and the others after them', () => {
    const disks = [fakeDisk('large', 300), fakeDisk('small', 100), fakeDisk('middle', 200), fakeDisk('tiny', 1)];
    const assignment = fakeAssignment('full', disks);
    const turns: Readonly<Record<string, number>> = { large: 0, middle: 1 };
    const ordered = assignment.disks.map((disk) => {
      const turn = turns[disk.diskId];
      return turn === undefined ? disk : { ...disk, turn };
    });
    const chosen = chooseDisks({ ...assignment, disks: ordered }, fakeInventory(disks));
    expect(chosen.map(({ present }) => present.diskId)).toEqual(['large', 'middle', 'tiny', 'small']);
  });

  it.each([
    ['is gone', []],
    ['has another size', [fakeDisk('a', 101)]],
  ])('fails with SOURCE_DISK_CHANGED when a disk %s', (_how, present) => {
    const choose = (): unknown => chooseDisks(fakeAssignment('full', [fakeDisk('a', 100)]), fakeInventory(present));
    expect(choose).toThrow(expect.objectContaining({ code: 'SOURCE_DISK_CHANGED' }));
  });

  it.each([
    ['it', [{ ...fakeDisk('a', 100), examinationError: 'no answer' }]],
    ['one that may be it', [{ ...fakeDisk('b', 100), examinationError: 'no answer' }]],
  ])('fails with USED_BLOCKS_UNKNOWN when %s could not be examined', (_which, present) => {
    const choose = (): unknown => chooseDisks(fakeAssignment('full', [fakeDisk('a', 100)]), fakeInventory(present));
    expect(choose).toThrow(expect.objectContaining({ code: 'USED_BLOCKS_UNKNOWN' }));
  });

  it('does without a disk that could not be examined and is not wanted', () => {
    const other = { ...fakeDisk('b', 100), examinationError: 'no answer' };
    const wanted = fakeDisk('a', 100);
    expect(chooseDisks(fakeAssignment('full', [wanted]), fakeInventory([other, wanted]))).toHaveLength(1);
  });
});
