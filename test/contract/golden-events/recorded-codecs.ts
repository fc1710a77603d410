import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DomainEvent, EventCodec } from '#libs/eventsourcing';

/** The programs, as source or compiled, whichever this file is. */
const APPS = join(import.meta.dirname, '../../../apps');
const EXTENSION = extname(import.meta.filename);

/** A codec of some service, found by looking for it: nobody can forget to list one. */
export interface RecordedCodec {
  /** The service that owns the streams, named after its app. */
  readonly owner: string;
  /** First part of the names of the streams. */
  readonly category: string;
  readonly codec: EventCodec<DomainEvent>;
  /** Where its golden events are. */
  readonly fixtures: string;
}

const sourcesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(EXTENSION) && !name.endsWith(`.spec${EXTENSION}`))
    .map((name) => join(folder, name));

const isCodec = (value: unknown): value is EventCodec<DomainEvent> =>
  typeof value === 'object' && value !== null && 'storedTypes' in value && 'encode' in value && 'decode' in value;

/** An aggregate names its category; a codec without an aggregate is named after it: `acknowledgedRangesCodec`. */
const codecOf = (name: string, value: unknown): Pick<RecordedCodec, 'category' | 'codec'> | null => {
  if (isCodec(value)) return { category: name.replace(/Codec$/, ''), codec: value };
  if (typeof value !== 'object' || value === null || !('codec' in value) || !isCodec(value.codec)) return null;
  return 'category' in value && typeof value.category === 'string'
    ? { category: value.category, codec: value.codec }
    : null;
};

/** Every codec that an app exports. */
export const findCodecs = async (): Promise<readonly RecordedCodec[]> => {
  const found: RecordedCodec[] = [];
  for (const file of sourcesUnder(APPS)) {
    if (!/\bdefineCodec[<(]/.test(readFileSync(file, 'utf8'))) continue;
    const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    const codecs = Object.entries(exported).flatMap(([name, value]) => codecOf(name, value) ?? []);
    if (codecs.length === 0) throw new Error(`${relative(APPS, file)} defines a codec and exports none`);
    const owner = relative(APPS, file).split('/')[0] ?? '';
    found.push(...codecs.map((each) => ({ ...each, owner, fixtures: join(dirname(file), 'fixtures') })));
  }
  return found.toSorted((left, right) =>
    `${left.owner}/${left.category}`.localeCompare(`${right.owner}/${right.category}`),
  );
};

/** Every golden file that lies in a folder `fixtures` of an app. */
export const findGoldenFiles = (): readonly string[] =>
  readdirSync(APPS, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/fixtures\/[^/]+\.v\d+\.json$/.test(name))
    .map((name) => join(APPS, name))
    .toSorted();

/** @returns null when there is none */
export const readGolden = (file: string): { storedType: string; data: unknown } | null =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { storedType: string; data: unknown }) : null;
