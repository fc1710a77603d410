import { describe, expect, it } from 'vitest';
import { Random } from '../world/random.js';
import { TargetDisk } from './target-disk.js';

describe('a target disk that loses its power', () => {
  it('keeps what was flushed, and of the rest any write or none', () => {
    const survivors = new Set<number>();
    for (let seed = 0; seed < 100; seed += 1) {
      const disk = new TargetDisk('disk', 2);
      disk.write(0, 1);
      disk.write(1, 2);
      disk.flush();
      for (const content of [3, 4, 5]) disk.write(1, content);
      expect(disk.read(1)).toBe(5);
      disk.losePower(new Random(seed, 'power'));
      expect(disk.durableContent(0)).toBe(1);
      survivors.add(disk.read(1));
    }
    expect([...survivors].sort()).toEqual([2, 3, 4, 5]);
  });
});
