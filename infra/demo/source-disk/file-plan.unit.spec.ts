import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseFiles, planFiles, planRewrite } from './file-plan.js';
import { randomContent, randomNumbers, seededUuid, shuffled } from './seeded-random.js';

const MIB = 1024 * 1024;
const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);

describe('the plan of files', () => {
  const plan = planFiles('a', 3000, 500 * MIB);
  const sizes = plan.map(({ sizeBytes }) => sizeBytes);

  it('adds up to what was asked, in files of very different sizes with different paths', () => {
    expect(sum(sizes)).toBeGreaterThan(495 * MIB);
    expect(sum(sizes)).toBeLessThanOrEqual(500 * MIB);
    expect(new Set(plan.map(({ path }) => path)).size).toBe(3000);
    expect(sizes.filter((size) => size === 0).length).toBeGreaterThan(20);
    expect(sizes.filter((size) => size < 64 * 1024).length).toBeGreaterThan(1500);
    expect(Math.max(...sizes)).toBeGreaterThan(4 * MIB);
    expect(Math.max(...sizes)).toBeLessThanOrEqual((500 * MIB) / 24);
  });

  it('is the same for the same seed only', () => {
    expect(planFiles('a', 3000, 500 * MIB)).toEqual(plan);
    expect(planFiles('b', 3000, 500 * MIB)).not.toEqual(plan);
  });

  it('rewrites exactly so many bytes, in the largest files', () => {
    const rewrites = planRewrite(plan, 32 * MIB);
    expect(sum(rewrites.map(({ lengthBytes }) => lengthBytes))).toBe(32 * MIB);
    expect(rewrites.length).toBeLessThan(20);
    expect(planRewrite(plan, 1000 * MIB).length).toBe(3000);
  });

  it('chooses files of about so many bytes, each once', () => {
    const chosen = chooseFiles(plan, 60 * MIB, randomNumbers('c'));
    const bytes = sum(chosen.map(({ sizeBytes }) => sizeBytes));
    expect(bytes).toBeGreaterThanOrEqual(60 * MIB);
    expect(bytes).toBeLessThan(120 * MIB);
    expect(new Set(chosen).size).toBe(chosen.length);
  });
});

describe('seeded randomness', () => {
  it('lies in [0, 1), spreads, and repeats', () => {
    const random = randomNumbers('a');
    const numbers = Array.from({ length: 10_000 }, random);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(sum(numbers) / numbers.length).toBeCloseTo(0.5, 1);
    expect(new Set(numbers).size).toBeGreaterThan(9_990);
    const again = randomNumbers('a');
    expect(Array.from({ length: 10_000 }, again)).toEqual(numbers);
  });

  it('gives the same content however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5_000 }), { maxLength: 10 }), (lengths) => {
        const pieces = randomContent('a');
        const whole = randomContent('a')(sum(lengths));
        expect(Buffer.concat(lengths.map((length) => pieces(length))).equals(whole)).toBe(true);
      }),
    );
  });

  it('shuffles without losing anything, and makes valid ids', () => {
    const items = Array.from({ length: 100 }, (_, index) => index);
    const other = shuffled(items, randomNumbers('a'));
    expect(other).not.toEqual(items);
    expect([...other].sort((a, b) => a - b)).toEqual(items);
    expect(seededUuid('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
