import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { EndpointKind } from '#libs/contracts';
import { handleCommand } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { exampleContext } from '#libs/testing';
import { endpoints } from '../endpoint/endpoint.aggregate.js';
import { Enroller } from './enroller.js';

const store = new EventStoreDb(inject('eventStoreUrl'));
const enroller = new Enroller(store);
afterAll(() => store.close());

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const context = () => exampleContext({ commandId: randomUUID() });
const issue = async (kind: EndpointKind = 'agent', name: string | null = null, expiresAt = inAnHour()) =>
  (await enroller.issue(kind, name, expiresAt, context())).token;
const enrol = (token: string, kind: EndpointKind = 'agent') => enroller.enrol({ token, kind, name: 'web1' });
const connect = (endpointId: string) =>
  handleCommand(
    store,
    endpoints,
    endpointId,
    { type: 'NoteConnected', connectionId: randomUUID(), software: 'landfall-agent 0.1.0' },
    context(),
  );
const flip = (text: string) => `${text.slice(0, -2)}${text.at(-2) === 'A' ? 'B' : 'A'}${text.slice(-1)}`;

describe('enrolling', () => {
  it('gives an identity and a credential that belong together', async () => {
    const { endpointId, credential } = await enrol(await issue());
    expect(await enroller.authenticate(endpointId, credential)).toEqual({ endpointId, kind: 'agent' });
    expect(await enroller.authenticate(endpointId, flip(credential))).toBeNull();
    expect(await enroller.authenticate(endpointId, '')).toBeNull();
    expect(await enroller.authenticate(randomUUID(), credential)).toBeNull();
    expect(await enroller.authenticate('../etc', credential)).toBeNull();
  });

  it('records neither token nor credential', async () => {
    const token = await issue();
    const { endpointId, credential } = await enrol(token);
    const [tokenId, secret] = token.split('.');
    const streams = [`enrolmentToken-${tokenId}`, `endpoint-${endpointId}`];
    const events = (await Promise.all(streams.map((name) => store.readStream(name)))).flat();
    expect(events).toHaveLength(3);
    const text = JSON.stringify(events.map(({ data, metadata }) => ({ data, metadata })));
    expect(text).not.toContain(secret);
    expect(text).not.toContain(credential);
    // An id stands for one event, whatever its stream: subscribers sort out repeats by it.
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
  });

  it('gives another token to a command that is repeated, recorded as another event', async () => {
    const repeated = context();
    const tokens = [];
    for (let time = 0; time < 2; time += 1) tokens.push(await enroller.issue('agent', null, inAnHour(), repeated));
    const tokenIds = tokens.map(({ token }) => token.split('.')[0]);
    const events = await Promise.all(tokenIds.map((tokenId) => store.readStream(`enrolmentToken-${tokenId}`)));
    expect(new Set(events.flat().map(({ id }) => id)).size).toBe(2);
    for (const { token } of tokens) expect((await enrol(token)).endpointId).toBeTruthy();
  });

  it('takes the name that the issuer fixed, or else the name that the endpoint gives', async () => {
    const nameOf = async (token: string, kind: EndpointKind) => {
      const { endpointId } = await enrol(token, kind);
      return (await store.readStream(`endpoint-${endpointId}`))[0]?.data;
    };
    expect(await nameOf(await issue('agent'), 'agent')).toMatchObject({ name: 'web1', kind: 'agent' });
    expect(await nameOf(await issue('restorer', 'vm-7'), 'restorer')).toMatchObject({ name: 'vm-7', kind: 'restorer' });
  });

  it("belongs to the history that the token was issued in: a restore environment's to its migration's", async () => {
    const issuing = exampleContext({ commandId: randomUUID(), correlationId: randomUUID() });
    const { token } = await enroller.issue('agent', null, inAnHour(), issuing);
    const { endpointId } = await enrol(token);
    const [event] = await store.readStream(`endpoint-${endpointId}`);
    const [issued] = await store.readStream(`enrolmentToken-${token.split('.')[0]}`);
    expect(event?.metadata).toMatchObject({ correlationId: issuing.correlationId, causationId: issued?.id });
  });

  it('again, whose first answer was lost, is the same endpoint with a new credential; the lost one is void', async () => {
    const token = await issue();
    const lost = await enrol(token);
    const { endpointId, credential } = await enrol(token);
    expect(endpointId).toBe(lost.endpointId);
    expect(await enroller.authenticate(endpointId, lost.credential)).toBeNull();
    expect(await enroller.authenticate(endpointId, credential)).not.toBeNull();
  });

  it('again is refused once the endpoint has connected', async () => {
    const token = await issue();
    const { endpointId, credential } = await enrol(token);
    await connect(endpointId);
    await expect(enrol(token)).rejects.toMatchObject({ code: 'TRANSFER.TOKEN_USED' });
    expect(await enroller.authenticate(endpointId, credential)).not.toBeNull();
  });

  it('ends with a revocation: the credential is refused, and so is the token', async () => {
    const token = await issue();
    const { endpointId, credential } = await enrol(token);
    await handleCommand(store, endpoints, endpointId, { type: 'RevokeEndpoint' }, context());
    expect(await enroller.authenticate(endpointId, credential)).toBeNull();
    await expect(enrol(token)).rejects.toMatchObject({ code: 'TRANSFER.ENDPOINT_REVOKED' });
  });

  it.each([
    ['nothing', async () => '', 'TRANSFER.TOKEN_INVALID'],
    ['text', async () => 'let me in', 'TRANSFER.TOKEN_INVALID'],
    ['a token that nobody issued', async () => `${randomUUID()}.secret`, 'TRANSFER.TOKEN_INVALID'],
    ['a token with another secret', async () => flip(await issue()), 'TRANSFER.TOKEN_INVALID'],
    ['a token without its secret', async () => (await issue()).split('.')[0]!, 'TRANSFER.TOKEN_INVALID'],
    ['a token of another kind', async () => issue('restorer'), 'TRANSFER.ENDPOINT_KIND_MISMATCH'],
    ['an old token', async () => issue('agent', null, '2026-01-01T00:00:00.000Z'), 'TRANSFER.TOKEN_EXPIRED'],
  ])('is refused with %s', async (_what, token, code) => {
    await expect(enrol(await token())).rejects.toMatchObject({ code });
  });
});
