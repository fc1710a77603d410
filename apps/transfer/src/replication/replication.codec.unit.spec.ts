import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '#libs/eventsourcing';
import { replications } from './replication.aggregate.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
/** `<stored type>.with-<what came later>.json`, beside the golden event of the version, which is never edited. */
const ADDITION = /^(.+\.v\d+)\.with-[a-z-]+\.json$/;

const read = (file: string): StoredEvent => JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as StoredEvent;
const additions = readdirSync(FIXTURES).flatMap((file) => {
  const storedType = ADDITION.exec(file)?.[1];
  return storedType === undefined ? [] : [{ file, storedType }];
});

describe('fields that were added to an event later', () => {
  it.each(additions)('are read and written as they were: $file', ({ file, storedType }) => {
    const stored = read(file);
    expect(stored.storedType).toBe(storedType);
    const event = replications.codec.decode(stored);
    expect(replications.codec.encode(event!)).toStrictEqual(stored);
  });

  it('are no more than that: an event without them is one of the same version', () => {
    for (const { file, storedType } of additions) {
      const [earlier, later] = [read(`${storedType}.json`), read(file)];
      const fields = Object.keys(later.data as object);
      for (const field of Object.keys(earlier.data as object)) expect(fields).toContain(field);
      expect(replications.codec.decode(earlier)?.type).toBe(replications.codec.decode(later)?.type);
    }
    expect(additions.length).toBeGreaterThanOrEqual(6);
  });
});
