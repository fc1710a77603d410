import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineCodec } from './codec.js';
import { PermanentError } from './errors.js';
import type { DomainEvent } from './event.js';

type Weighed = DomainEvent<'Weighed', { readonly parcel: string; readonly grams: number }>;
type Sent = DomainEvent<'Sent', { readonly parcel: string }>;

const parcels = defineCodec<Weighed | Sent>({
  Weighed: {
    stored: 'post.weighed.v3',
    schema: z.object({ parcel: z.string(), grams: z.number().int() }),
    older: {
      'post.weighed.v1': {
        schema: z.object({ name: z.string(), kilograms: z.number() }),
        upcast: ({ name, kilograms }: { name: string; kilograms: number }) => ({
          parcel: name,
          grams: kilograms * 1000,
        }),
      },
      'post.weighed.v2': { schema: z.object({ parcel: z.string(), grams: z.number() }) },
    },
  },
  Sent: { stored: 'post.sent.v1', schema: z.object({ parcel: z.string() }) },
});

describe('a codec', () => {
  it('gives back what it stored, under an explicit name', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), (parcel, grams) => {
        const event = { type: 'Weighed', data: { parcel, grams } } as const;
        const stored = parcels.encode(event);
        expect(stored).toEqual({ storedType: 'post.weighed.v3', data: { parcel, grams } });
        expect(parcels.decode({ ...stored, data: JSON.parse(JSON.stringify(stored.data)) })).toEqual(event);
      }),
    );
  });

  it('lifts older versions to the newest shape', () => {
    expect(parcels.decode({ storedType: 'post.weighed.v1', data: { name: 'p1', kilograms: 2 } })).toEqual({
      type: 'Weighed',
      data: { parcel: 'p1', grams: 2000 },
    });
    expect(parcels.decode({ storedType: 'post.weighed.v2', data: { parcel: 'p1', grams: 7 } })).toEqual({
      type: 'Weighed',
      data: { parcel: 'p1', grams: 7 },
    });
  });

  it('checks an older version by its own schema', () => {
    const newShape = { storedType: 'post.weighed.v1', data: { parcel: 'p1', grams: 7 } };
    expect(() => parcels.decode(newShape)).toThrow(PermanentError);
  });

  it.each(['post.lost.v1', 'post.weighed.v4', 'Weighed', 'constructor', ''])('does not know %j', (storedType) => {
    expect(parcels.decode({ storedType, data: {} })).toBeNull();
  });

  it('refuses to store what does not match the schema', () => {
    expect(() => parcels.encode({ type: 'Weighed', data: { parcel: 'p1', grams: 0.5 } })).toThrow(
      expect.objectContaining({ name: 'PermanentError', message: expect.stringContaining('post.weighed.v3') }),
    );
  });

  it('refuses to read what does not match the schema', () => {
    expect(() => parcels.decode({ storedType: 'post.sent.v1', data: { parcel: 1 } })).toThrow(PermanentError);
    expect(() => parcels.decode({ storedType: 'post.sent.v1', data: null })).toThrow(PermanentError);
  });

  it('stores no field that the schema does not name', () => {
    const event = { type: 'Sent', data: { parcel: 'p1', secret: 'swordfish' } } as const;
    expect(parcels.encode(event).data).toEqual({ parcel: 'p1' });
  });

  it('lists every stored name that it reads', () => {
    expect(parcels.storedTypes.toSorted()).toEqual([
      'post.sent.v1',
      'post.weighed.v1',
      'post.weighed.v2',
      'post.weighed.v3',
    ]);
  });
});

it('a codec names the schema of each stored version', () => {
  for (const storedType of parcels.storedTypes) expect(parcels.schemaOf(storedType)).not.toBeNull();
  expect(parcels.schemaOf('post.weighed.v1')?.safeParse({ name: 'p1', kilograms: 2 }).success).toBe(true);
  expect(parcels.schemaOf('post.lost.v1')).toBeNull();
});
