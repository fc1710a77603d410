import { describe, expect, it } from 'vitest';
import { DeciderSpec, expectFoldToSurviveTheReadModel, expectRepeatsToChangeNothing } from '#libs/testing';
import { endpoints } from '../endpoint.aggregate.js';
import {
  CONNECTION_1,
  CONNECTION_2,
  ENDPOINT,
  IDENTITY,
  INVENTORY,
  SERVER,
  connected,
  credentialReplaced,
  disconnected,
  enrolled,
  inventoryReported,
  revoked,
} from '../endpoint.examples.js';
import { type EndpointCommand, type EndpointEvent, endpointDecider } from './endpoint.decider.js';

const spec = DeciderSpec.of(endpointDecider);
const enrol = { type: 'EnrolEndpoint', ...IDENTITY } as const;
const connect = (connectionId: string) =>
  ({ type: 'NoteConnected', connectionId, software: 'landfall-agent 0.1.0', serverId: SERVER }) as const;
const disconnect = (connectionId: string) =>
  ({ type: 'NoteDisconnected', connectionId, reason: 'the connection was closed' }) as const;
const revoke = { type: 'RevokeEndpoint' } as const;
const report = { type: 'ReportInventory', inventory: INVENTORY } as const;

describe('enrolling an endpoint', () => {
  it('gives it its identity, of which only the hash of its credential is recorded', () => {
    spec.given([]).when(enrol, { now: '2026-03-01T10:00:00.000Z' }).then([enrolled]);
  });

  it('again gives it another credential as long as it never connected', () => {
    const again = { ...enrol, credentialHash: 'd'.repeat(64) };
    spec.given([enrolled]).when(again).then([credentialReplaced]);
    expect(spec.given([enrolled]).when(again).state).toMatchObject({ credentialHash: 'd'.repeat(64), name: 'web1' });
  });

  it.each([
    ['while it is connected', [enrolled, connected(CONNECTION_1)]],
    ['after it was connected', [enrolled, connected(CONNECTION_1), disconnected(CONNECTION_1)]],
  ])('again is refused %s: the credential is in use', (_when, history) => {
    spec.given(history).when(enrol).thenRefused('TRANSFER.TOKEN_USED');
  });

  it.each<[string, EndpointCommand]>([
    ['connects', connect(CONNECTION_1)],
    ['leaves', disconnect(CONNECTION_1)],
    ['reports its inventory', report],
    ['is revoked', revoke],
  ])('comes before it %s', (_what, command) => {
    spec.given([]).when(command).thenRefused('TRANSFER.SOURCE_NOT_ENROLLED');
  });
});

describe('the connection of an endpoint', () => {
  it('says what the process shows on the data path; one that shows nothing has nothing', () => {
    const shown = { ...connect(CONNECTION_2), dataCertificate: 'of this process' };
    const history = [enrolled, connected(CONNECTION_1)];
    expect(spec.given(history).when(shown).state).toMatchObject({ dataCertificate: 'of this process' });
    const after = [
      ...history,
      { ...connected(CONNECTION_2), data: { ...connected(CONNECTION_2).data, dataCertificate: 'x' } },
    ];
    expect(spec.given(after as EndpointEvent[]).when(connect(CONNECTION_1)).state).toMatchObject({
      dataCertificate: null,
    });
  });

  it('is noted when it comes and when it goes', () => {
    spec
      .given([enrolled])
      .when(connect(CONNECTION_1))
      .then([connected(CONNECTION_1)]);
    spec
      .given([enrolled, connected(CONNECTION_1)])
      .when(disconnect(CONNECTION_1))
      .then([disconnected(CONNECTION_1)]);
  });

  it('stays when the end of an earlier one is noted late', () => {
    const history = [enrolled, connected(CONNECTION_1), connected(CONNECTION_2)];
    spec.given(history).when(disconnect(CONNECTION_1)).thenNothing();
    expect(spec.given(history).state).toMatchObject({ connectionId: CONNECTION_2, serverId: SERVER });
  });

  it('is held by a process that it is known of, unless an earlier version noted it', () => {
    const { connectionId, software } = connect(CONNECTION_1);
    const unknown: EndpointEvent = {
      type: 'EndpointConnected',
      data: { endpointId: ENDPOINT, connectionId, software },
    };
    expect(spec.given([enrolled, connected(CONNECTION_1), unknown]).state).toMatchObject({ serverId: null });
    expect(spec.given([enrolled, connected(CONNECTION_1)]).state).toMatchObject({ serverId: SERVER });
    const left = [enrolled, connected(CONNECTION_1), disconnected(CONNECTION_1)];
    expect(spec.given(left).state).toMatchObject({ serverId: null });
  });

  it('ends once', () => {
    const history = [enrolled, connected(CONNECTION_1), disconnected(CONNECTION_1)];
    spec.given(history).when(disconnect(CONNECTION_1)).thenNothing();
    expect(spec.given(history).state).toMatchObject({ connectionId: null, software: 'landfall-agent 0.1.0' });
  });
});

describe("an endpoint's inventory", () => {
  it('is recorded when it is new or has changed', () => {
    spec.given([enrolled]).when(report).then([inventoryReported]);
    const grown = { ...INVENTORY, cpuCount: 8 };
    spec
      .given([enrolled, inventoryReported])
      .when({ type: 'ReportInventory', inventory: grown })
      .then([{ type: 'InventoryReported', data: { endpointId: ENDPOINT, inventory: grown } }]);
  });

  it('is not recorded when it is as before', () => {
    spec.given([enrolled, inventoryReported]).when(report).thenNothing();
  });
});

describe('an endpoint that is revoked', () => {
  const now = '2026-03-02T10:00:00.000Z';

  it('is so once, whether it is connected or not', () => {
    spec.given([enrolled]).when(revoke, { now }).then([revoked]);
    spec
      .given([enrolled, connected(CONNECTION_1)])
      .when(revoke, { now })
      .then([revoked]);
    spec.given([enrolled, revoked]).when(revoke).thenNothing();
  });

  it.each<[string, EndpointCommand]>([
    ['connect', connect(CONNECTION_2)],
    ['get another credential by its token', enrol],
    ['report its inventory', report],
  ])('cannot %s any more', (_what, command) => {
    spec.given([enrolled, revoked]).when(command).thenRefused('TRANSFER.ENDPOINT_REVOKED');
  });

  it('is seen to leave', () => {
    const history = [enrolled, connected(CONNECTION_1), revoked];
    spec
      .given(history)
      .when(disconnect(CONNECTION_1))
      .then([disconnected(CONNECTION_1)]);
  });
});

describe('whatever happens to an endpoint', () => {
  it('has a state that a read model keeps as it is', () => {
    const history = [
      enrolled,
      credentialReplaced,
      connected(CONNECTION_1),
      inventoryReported,
      disconnected(CONNECTION_1),
      revoked,
    ];
    expectFoldToSurviveTheReadModel(endpointDecider, history);
  });

  it('is not changed by commands that come again', () =>
    expectRepeatsToChangeNothing(endpoints, [
      enrol,
      { ...enrol, credentialHash: 'd'.repeat(64) },
      connect(CONNECTION_1),
      report,
      disconnect(CONNECTION_1),
      connect(CONNECTION_2),
      enrol,
      report,
      disconnect(CONNECTION_2),
      revoke,
    ]));
});
