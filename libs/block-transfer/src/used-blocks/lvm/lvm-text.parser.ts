import { believe } from '../map-doubt.js';

/** A section of LVM's metadata: settings and named sections within it. */
export type LvmSection = ReadonlyMap<string, LvmValue | LvmSection>;
export type LvmValue = string | number | readonly (string | number)[];

const TOKEN = /\s+|#[^\n]*|("(?:[^"\\]|\\.)*")|(-?\d+(?![\w.+-]))|([\w.+/-]+)|([{}=[\],])/gy;
/** A machine with thousands of volumes has some hundred thousand. */
const TOKENS_MAX = 4_000_000;
const DEPTH_MAX = 8;

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'sign'; readonly sign: string };

/** Reads the text in which LVM keeps its metadata. Throws a `MapDoubt` on anything that is not of this form. */
export function parseLvmText(text: string): LvmSection {
  const reader = new Reader([...tokens(text)]);
  const section = reader.section(0);
  believe(reader.isAtEnd, 'the metadata of LVM ends in the middle');
  return section;
}

function* tokens(text: string): Generator<Token> {
  TOKEN.lastIndex = 0;
  for (let count = 0; TOKEN.lastIndex < text.length; count += 1) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    believe(match !== null && count < TOKENS_MAX, `the metadata of LVM cannot be read at character ${at}`);
    const [, quoted, number, word, sign] = match;
    if (quoted !== undefined) yield { kind: 'text', text: quoted.slice(1, -1).replace(/\\(.)/g, '$1') };
    else if (number !== undefined) yield { kind: 'number', value: Number(number) };
    else if (word !== undefined) yield { kind: 'word', word };
    else if (sign !== undefined) yield { kind: 'sign', sign };
  }
}

class Reader {
  #next = 0;

  constructor(private readonly all: readonly Token[]) {}

  get isAtEnd(): boolean {
    return this.#next >= this.all.length;
  }

  /** Settings and sections up to the closing brace, or the end of the text. */
  section(depth: number): LvmSection {
    believe(depth < DEPTH_MAX, 'the metadata of LVM is nested too deeply');
    const members = new Map<string, LvmValue | LvmSection>();
    while (!this.isAtEnd && !this.#isSign('}')) {
      const name = this.#take();
      believe(name.kind === 'word' || name.kind === 'number', 'a setting of LVM has no name');
      const key = name.kind === 'word' ? name.word : String(name.value);
      believe(!members.has(key), `LVM states "${key}" twice`);
      if (this.#isSign('{')) {
        this.#take();
        members.set(key, this.section(depth + 1));
        this.#expect('}');
      } else {
        this.#expect('=');
        members.set(key, this.#value());
      }
    }
    return members;
  }

  #value(): LvmValue {
    if (!this.#isSign('[')) return this.#scalar();
    this.#take();
    const list: (string | number)[] = [];
    while (!this.#isSign(']')) {
      list.push(this.#scalar());
      if (!this.#isSign(']')) this.#expect(',');
    }
    this.#take();
    return list;
  }

  #scalar(): string | number {
    const token = this.#take();
    if (token.kind === 'text') return token.text;
    believe(token.kind === 'number', 'a value of LVM is neither text nor number');
    return token.value;
  }

  #isSign(sign: string): boolean {
    const token = this.all[this.#next];
    return token?.kind === 'sign' && token.sign === sign;
  }

  #expect(sign: string): void {
    believe(this.#isSign(sign), `LVM's metadata lacks "${sign}"`);
    this.#next += 1;
  }

  #take(): Token {
    const token = this.all[this.#next];
    believe(token !== undefined, 'the metadata of LVM ends in the middle');
    this.#next += 1;
    return token;
  }
}
