import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '#libs/eventsourcing';
import { endpoints } from './endpoint.aggregate.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const additions = readdirSync(FIXTURES).filter((file) => /\.v\d+\.with-[a-z-]+\.json$/.test(file));

const read = (file: string): StoredEvent => JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as StoredEvent;

describe('fields that were added to an event of an endpoint later', () => {
  it.each(additions)('are read and written as they were: %s', (file) => {
    const event = endpoints.codec.decode(read(file));
    expect(endpoints.codec.encode(event!)).toStrictEqual(read(file));
  });

  it('are the server of a connection, and the certificate of an agent', () => {
    expect(additions).toHaveLength(2);
  });

  it('never hold a private key: what has another form than one certificate is not recorded', () => {
    const stored = read('transfer.endpoint-connected.v1.with-data-certificate.json');
    const event = endpoints.codec.decode(stored)!;
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    const leaking = { ...event, data: { ...event.data, dataCertificate: key } } as typeof event;
    expect(() => endpoints.codec.encode(leaking)).toThrow();
  });
});
