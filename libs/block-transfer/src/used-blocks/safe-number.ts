import { believe } from './map-doubt.js';

/** An unsigned 64-bit number that Node can count with. Throws a `MapDoubt` above 2^53: no disk is that large. */
export function safeNumber(value: bigint): number {
  const number = Number(value);
  believe(Number.isSafeInteger(number), `a number is too large for any disk: ${value}`);
  return number;
}
