import type { Onlooker, World } from '../world/world.js';

/** Looks on, and reports what must never be. */
export interface Checker extends Onlooker {
  /** What it is about, in a few words. */
  readonly name: string;
  /** The world has come to its end; what is to be seen only then is looked at now. */
  atEnd?(): void;
}

/** Everything that a checker has. */
export interface CheckerGround {
  readonly world: World;
  readonly report: (text: string) => void;
}

export type MakeChecker = (ground: CheckerGround) => Checker;
