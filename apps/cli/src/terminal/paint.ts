import { styleText } from 'node:util';

/** What a piece of text means; how that looks is decided here alone. */
export type Meaning = 'good' | 'bad' | 'attention' | 'quiet' | 'heading' | 'accent';

/** Paints a piece of text, or leaves it as it is. */
export type Paint = (meaning: Meaning, text: string) => string;

const FORMATS = {
  good: 'green',
  bad: 'red',
  attention: 'yellow',
  quiet: 'dim',
  heading: 'bold',
  accent: 'cyan',
} as const;

export const plainPaint: Paint = (_meaning, text) => text;

export const colouredPaint: Paint = (meaning, text) =>
  // Whether to paint at all was decided by the caller, not by what stdout is.
  text === '' ? '' : styleText(FORMATS[meaning], text, { validateStream: false });

/** Colours only on a terminal, and not where NO_COLOR is set to anything (https://no-color.org). */
export function paintFor(isTerminal: boolean, environment: NodeJS.ProcessEnv): Paint {
  const isRefused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return isTerminal && !isRefused ? colouredPaint : plainPaint;
}
