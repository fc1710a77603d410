import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { features } from './proto.js';

/** The version of the server whose behaviour the node follows. */
export const FOLLOWED_VERSION = '23.10.6';

const STREAMS = 'event_store.client.streams.streams';
const PERSISTENT = 'event_store.client.persistent_subscriptions.persistentsubscriptions';
const GOSSIP = 'event_store.client.gossip.gossip';
const FEATURES = 'event_store.client.server_features.serverfeatures';

const METHODS: readonly (readonly [service: string, method: string, features: readonly string[]])[] = [
  [STREAMS, 'append', []],
  [STREAMS, 'batchappend', ['deadline_duration']],
  [STREAMS, 'delete', []],
  [STREAMS, 'read', ['position', 'events']],
  [STREAMS, 'tombstone', []],
  ...['create', 'delete', 'getinfo', 'list', 'read', 'replayparked', 'restartsubsystem', 'update'].map(
    (method) => [PERSISTENT, method, ['stream', 'all']] as const,
  ),
  [GOSSIP, 'read', []],
  [FEATURES, 'getsupportedmethods', []],
];

export const getSupportedMethods = (
  _call: ServerUnaryCall<unknown, SupportedMethods>,
  answer: sendUnaryData<SupportedMethods>,
): void => {
  const response = new features.SupportedMethods();
  response.setEventStoreServerVersion(FOLLOWED_VERSION);
  for (const [service, name, list] of METHODS) {
    const method = new features.SupportedMethod();
    method.setServiceName(service);
    method.setMethodName(name);
    method.setFeaturesList([...list]);
    response.addMethods(method);
  }
  answer(null, response);
};
