import { expect, it } from 'vitest';
import { metadataOf } from '#libs/eventsourcing';
import { exampleContext } from '#libs/testing';
import { fromStoredMetadata, toStoredMetadata } from './stored-metadata.js';

const context = exampleContext();
const metadata = metadataOf(context, 'planning');
/** As it stands in stores; never edited. */
const GOLDEN = {
  $correlationId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f102',
  $causationId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f103',
  commandId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f101',
  actor: 'operator:alice',
  occurredAt: '2026-03-01T10:00:00.000Z',
  producer: 'planning',
};

it("metadata is stored under the names that EventStoreDB's own tools look for", () => {
  expect(toStoredMetadata(metadata)).toEqual(GOLDEN);
  expect(fromStoredMetadata(GOLDEN)).toEqual(metadata);
});

it('metadata of others, and fields of tomorrow, are told apart', () => {
  expect(fromStoredMetadata({ ...GOLDEN, $traceId: 'x' })).toEqual(metadata);
  for (const foreign of [undefined, {}, { ...GOLDEN, actor: 'alice' }, { ...GOLDEN, $correlationId: undefined }]) {
    expect(() => fromStoredMetadata(foreign)).toThrow();
  }
});
