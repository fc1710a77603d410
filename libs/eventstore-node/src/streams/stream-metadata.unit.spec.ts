import { describe, expect, it } from 'vitest';
import {
  metadataWithTruncation,
  NO_METADATA,
  parseStreamMetadata,
  SOFT_DELETE_METADATA,
  SOFT_DELETED,
} from './stream-metadata.js';

const parse = (json: string) => parseStreamMetadata(Buffer.from(json));

describe('stream metadata', () => {
  it('says what can be read', () => {
    expect(parse('{"$maxCount":3,"$maxAge":60,"$tb":7,"$cacheControl":5,"own":true}')).toEqual({
      maxCount: 3,
      maxAgeMs: 60_000,
      truncateBefore: 7,
    });
    expect(parse(SOFT_DELETE_METADATA)).toEqual({ truncateBefore: SOFT_DELETED });
  });

  it.each(['', 'nonsense', '[]', 'null', '{"$maxCount":"two"}', '{"$maxCount":0}', '{"$maxAge":-1}', '{"$tb":1.5}'])(
    'hides nothing when it reads %s',
    (json) => {
      expect(parse(json)).toEqual(NO_METADATA);
    },
  );

  it('keeps everything else, digit by digit, when a deleted stream is opened again', () => {
    const before = '{"$tb":9223372036854775807,"exact":12345678901234567890,"own":{"a":[1.50]}}';
    expect(metadataWithTruncation(Buffer.from(before), 4)).toBe(
      '{"$tb":4,"exact":12345678901234567890,"own":{"a":[1.50]}}',
    );
    expect(metadataWithTruncation(undefined, 2)).toBe('{"$tb":2}');
    expect(metadataWithTruncation(Buffer.from('nonsense'), 2)).toBe('{"$tb":2}');
  });
});
