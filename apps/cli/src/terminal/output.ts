import { isatty } from 'node:tty';
import { type Paint, paintFor } from './paint.js';

/** Where a program writes for people. */
export interface Output {
  readonly isTerminal: boolean;
  /** Of the terminal; a sensible width elsewhere. */
  readonly columns: number;
  readonly paint: Paint;
  write(text: string): void;
}

const COLUMNS_ELSEWHERE = 100;

/** @param isPlain treats a terminal as if it were none */
export function outputTo(
  stream: NodeJS.WriteStream & { readonly fd: number },
  environment: NodeJS.ProcessEnv,
  isPlain = false,
): Output {
  const isTerminal = isatty(stream.fd) && !isPlain;
  return {
    isTerminal,
    get columns() {
      return isTerminal && stream.columns > 0 ? stream.columns : COLUMNS_ELSEWHERE;
    },
    paint: paintFor(isTerminal, environment),
    write: (text) => void stream.write(text),
  };
}
