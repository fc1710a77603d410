import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PUBLISHED } from '#libs/contracts';
import { EVENTS_DOC, describeEvents } from './events-doc.js';
import { findCodecs, findGoldenFiles, readGolden } from './recorded-codecs.js';

/**
 * Golden events stand for what real stores hold. They are never edited: when one of them cannot be read any more, the
 * code is wrong, and the way out is a new version with an upcaster. What may be done is to add files.
 */
const codecs = await findCodecs();
const versions = codecs.flatMap((codec) =>
  codec.codec.storedTypes.map((storedType) => ({
    ...codec,
    storedType,
    file: join(codec.fixtures, `${storedType}.json`),
  })),
);
/** What is written today, as opposed to versions that are only read. */
const isNewest = (storedType: string): boolean => {
  const [name, version] = storedType.split(/\.v(?=\d+$)/);
  return !versions.some((other) => {
    const [otherName, otherVersion] = other.storedType.split(/\.v(?=\d+$)/);
    return otherName === name && Number(otherVersion) > Number(version);
  });
};

describe('golden events', () => {
  it('belong to every service that records', () => {
    expect([...new Set(codecs.map(({ owner }) => owner))]).toEqual(['cutover', 'planning', 'provisioning', 'transfer']);
    expect(new Set(versions.map(({ storedType }) => storedType)).size).toBe(versions.length);
  });

  it.each(versions)('exist for $storedType', ({ storedType, file, owner }) => {
    expect(existsSync(file), file).toBe(true);
    expect(readGolden(file)?.storedType).toBe(storedType);
    expect(storedType.startsWith(`${owner}.`)).toBe(true);
  });

  it('each have a codec that reads them', () => {
    const files = findGoldenFiles();
    expect(files.length).toBeGreaterThanOrEqual(40);
    expect(files).toEqual(versions.map(({ file }) => file).toSorted());
    for (const file of files) expect(basename(file)).toBe(`${readGolden(file)?.storedType}.json`);
  });

  it.each(versions)('of $storedType are read, and written as they were', ({ storedType, file, codec }) => {
    const stored = readGolden(file)!;
    const event = codec.decode(stored);
    expect(event).not.toBeNull();
    const written = codec.encode(event!);
    if (isNewest(storedType)) expect(written).toStrictEqual(stored);
    else expect(codec.decode(written)).toStrictEqual(event);
  });

  it.each(versions)('of $storedType are read by no other codec', ({ file, codec }) => {
    const others = codecs.filter((other) => other.codec !== codec);
    for (const other of others) expect(other.codec.decode(readGolden(file)!)).toBeNull();
  });

  it('that others read have the shape of the contract', () => {
    const golden = new Map(versions.map(({ storedType, file }) => [storedType, readGolden(file)]));
    for (const { stored, schema } of Object.values(PUBLISHED)) {
      const event = golden.get(stored);
      if (event !== undefined) expect(schema.parse(event?.data)).toStrictEqual(event?.data);
    }
  });
});

it('docs/events.md is what the codecs say; run test/contract/golden-events/write-events-doc.ts', () => {
  expect(readFileSync(EVENTS_DOC, 'utf8')).toBe(describeEvents(codecs));
});
