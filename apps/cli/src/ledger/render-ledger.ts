import type { LedgerEntry } from '#libs/contracts';
import type { Meaning, Paint } from '../terminal/paint.js';
import { momentInWords } from '../terminal/quantities-in-words.js';
import { renderTable, withoutControlCharacters as clean } from '../terminal/table.js';

const KINDS: Readonly<Record<LedgerEntry['kind'], string>> = {
  'target-vm': 'target VM',
  'target-disk': 'target disk',
  'restorer-credential': "restore environment's credential",
  'nbd-export': 'NBD export',
};

const STATES: Readonly<Record<LedgerEntry['state'], readonly [meaning: Meaning, words: string]>> = {
  expected: ['attention', 'asked for'],
  exists: ['accent', 'there'],
  'removal-announced': ['attention', 'being removed'],
  removed: ['quiet', 'removed'],
};

/** What was created outside for a task, and at the end whether anything of it is left. */
export function renderLedger(entries: readonly LedgerEntry[], paint: Paint): string {
  if (entries.length === 0) return 'Nothing was created for this task.';
  const left = entries.filter(({ state }) => state !== 'removed').length;
  const table = renderTable<LedgerEntry>(
    [
      { title: 'WHAT', cell: ({ kind }) => KINDS[kind] },
      { title: 'NAME', cell: ({ reference }) => clean(reference) },
      { title: 'STATE', cell: ({ state }) => paint(...STATES[state]) },
      { title: 'SINCE (UTC)', cell: ({ since }) => momentInWords(since) },
    ],
    entries,
    paint,
  );
  const summary = left === 0 ? paint('good', 'Nothing of it is left.') : `${left} of ${entries.length} left.`;
  return `${table}\n\n${summary}`;
}
