import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UnsettledPlaces } from './unsettled-places.js';

it('never puts the checkpoint behind something unsettled, and in the end at the last place', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_000), { minLength: 1 }), fc.infiniteStream(fc.nat()), (numbers, random) => {
      const read = [...numbers].sort((a, b) => a - b);
      const places = new UnsettledPlaces();
      for (const place of read) places.read(place);
      const open = [...read];
      while (open.length > 0) {
        const { place } = places.progress();
        expect(place ?? -1).toBeLessThan(open[0]!);
        expect(read.filter((other) => other > (place ?? -1) && other < open[0]!)).toEqual([]);
        const [settled] = open.splice(Number(random.next().value) % open.length, 1);
        places.settle(settled!);
      }
      expect(places.progress()).toEqual({ place: read.at(-1), count: read.length });
    }),
  );
});
