/** Four 32-bit words from a text (cyrb128): seeds that differ in one bit give unrelated words. */
const wordsOf = (text: string): [number, number, number, number] => {
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    a = b ^ Math.imul(a ^ code, 597399067);
    b = c ^ Math.imul(b ^ code, 2869860233);
    c = d ^ Math.imul(c ^ code, 951274213);
    d = a ^ Math.imul(d ^ code, 2716044179);
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
};

const WARM_UP = 12;

/**
 * Seeded chance (sfc32). Everyone who draws has a stream of their own, named by a purpose, so that one more draw here
 * changes nothing there.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #count: number;

  constructor(seed: number, purpose: string) {
    [this.#a, this.#b, this.#c, this.#count] = wordsOf(`${seed}:${purpose}`);
    for (let index = 0; index < WARM_UP; index += 1) this.#word();
  }

  /** In [0, 1). */
  fraction(): number {
    return this.#word() / 2 ** 32;
  }

  /** A whole number; both bounds may come. */
  integer(lowest: number, highest: number): number {
    return lowest + Math.floor(this.fraction() * (highest - lowest + 1));
  }

  /** A whole number, with every order of magnitude as likely as the others; for durations. */
  magnitude(lowest: number, highest: number): number {
    return Math.round(lowest * (highest / lowest) ** this.fraction());
  }

  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    if (choices.length === 0) throw new RangeError('nothing to pick from');
    return choices[this.integer(0, choices.length - 1)] as T;
  }

  /** A UUID of version 4. */
  uuid(): string {
    const hex = [this.#word(), this.#word(), this.#word(), this.#word()]
      .map((word) => word.toString(16).padStart(8, '0'))
      .join('');
    const variant = ((parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  #word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }
}
