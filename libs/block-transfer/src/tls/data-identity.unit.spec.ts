import { certificatePem } from '#libs/contracts';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeDataIdentity } from './data-identity.js';

const NOW = new Date('2026-03-01T12:00:00.123Z');

describe('an identity for the data path', () => {
  it('is a key of its own, and a certificate that the key itself signed', async () => {
    const { certificate, privateKey } = await makeDataIdentity('agent', NOW);
    const parsed = new X509Certificate(certificate);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(parsed.issuer).toBe(parsed.subject);
    expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(parsed.subject).toMatch(/^CN=landfall agent [0-9a-f]{32}$/);
    expect(parsed.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('vouches for nobody else', async () => {
    expect(new X509Certificate((await makeDataIdentity('agent', NOW)).certificate).ca).toBe(false);
  });

  it('is valid for clocks that are a year behind, and for years to come', async () => {
    const parsed = new X509Certificate((await makeDataIdentity('agent', NOW)).certificate);
    expect(parsed.validFromDate.toISOString()).toBe('2025-03-01T12:00:00.000Z');
    expect(parsed.validToDate.toISOString()).toBe('2031-02-28T12:00:00.000Z');
  });

  it('is never the same twice', async () => {
    const [one, other] = [await makeDataIdentity('agent', NOW), await makeDataIdentity('agent', NOW)];
    expect(one.certificate).not.toBe(other.certificate);
    expect(one.privateKey).not.toBe(other.privateKey);
  });

  it('has a certificate that may be told and recorded, and a key that may not', async () => {
    const { certificate, privateKey } = await makeDataIdentity('agent', NOW);
    expect(certificatePem.parse(certificate)).toBe(certificate);
    for (const refused of [privateKey, certificate + privateKey, privateKey + certificate, certificate + certificate]) {
      expect(certificatePem.safeParse(refused).success).toBe(false);
    }
  });
});
