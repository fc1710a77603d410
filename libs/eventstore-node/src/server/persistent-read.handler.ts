import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ReadReq } from '@eventstore/db-client/generated/persistent_pb.js';
import type { Consumer } from '../persistent-subscriptions/consumer.js';
import { subscriptionIdOf } from '../persistent-subscriptions/group-identity.js';
import type { GroupRegistry } from '../persistent-subscriptions/group-registry.js';
import type { NackAction, SubscriptionGroup } from '../persistent-subscriptions/subscription-group.js';
import { encodeReadEvent, type UuidForm } from '../wire/event.codec.js';
import { asCallError, invalidArgument } from './call-errors.js';
import type { CallSink } from './call-sink.js';
import type { OpenCalls } from './open-calls.js';
import { groupFull, groupMissing } from './persistent-errors.js';
import { identityOf, parseIds } from './persistent-requests.js';
import { persistent } from './proto.js';

const UNNAMED_CONNECTION = '<unknown>';

type ReadCall = ServerDuplexStream<ReadReq, Buffer>;

/** PersistentSubscriptions.Read: joins a group; then messages one way, acknowledgements the other. */
export const persistentReadHandler =
  (groups: GroupRegistry, calls: OpenCalls) =>
  (call: ReadCall): void => {
    const sink = calls.add(call);
    new ConsumerSession(groups, call, sink).start();
  };

class ConsumerSession {
  readonly #groups: GroupRegistry;
  readonly #call: ReadCall;
  readonly #sink: CallSink;
  #joined: { group: SubscriptionGroup; consumer: Consumer } | undefined;

  constructor(groups: GroupRegistry, call: ReadCall, sink: CallSink) {
    this.#groups = groups;
    this.#call = call;
    this.#sink = sink;
  }

  start(): void {
    this.#sink.onClose(() => this.#leave());
    this.#call.on('data', (message: ReadReq) => {
      if (this.#sink.closed) return;
      try {
        this.#take(message);
      } catch (error) {
        this.#sink.fail(asCallError(error));
      }
    });
    this.#call.on('end', () => {
      this.#leave();
      this.#sink.end();
    });
  }

  #take(message: ReadReq): void {
    const options = message.getOptions();
    const ack = message.getAck();
    const nack = message.getNack();
    if (this.#joined === undefined) {
      if (options === undefined) throw invalidArgument('The first message must name the group.');
      this.#join(options);
    } else if (ack !== undefined) {
      this.#joined.group.acknowledge(this.#joined.consumer, parseIds(ack.getIdsList()));
    } else if (nack !== undefined) {
      const ids = parseIds(nack.getIdsList());
      this.#joined.group.refuse(this.#joined.consumer, ids, actionOf(nack.getAction()), nack.getReason());
    } else {
      throw invalidArgument('A consumer that has joined can only acknowledge.');
    }
  }

  #join(options: ReadReq.Options): void {
    const identity = identityOf(options);
    const uuid = uuidFormOf(options);
    if (options.getBufferSize() <= 0) throw invalidArgument('The buffer size is not positive.');
    const group = this.#groups.find(identity);
    if (group === undefined) throw groupMissing(identity);
    if (group.isFull) throw groupFull(identity);
    this.#sink.write(confirmation(subscriptionIdOf(identity)));
    const [name] = this.#call.metadata.get('connection-name');
    const sink = this.#sink;
    const consumer = group.join(
      {
        connectionName: typeof name === 'string' && name !== '' ? name : UNNAMED_CONNECTION,
        deliver: (content, retryCount) =>
          sink.write(encodeReadEvent(content, { uuid, retryCount, originalPositionInEvent: true })),
        drained: () => sink.drained(),
        drop: (error) => sink.fail(error),
      },
      options.getBufferSize(),
    );
    this.#joined = { group, consumer };
  }

  #leave(): void {
    const joined = this.#joined;
    this.#joined = undefined;
    joined?.group.leave(joined.consumer);
  }
}

function confirmation(subscriptionId: string): Buffer {
  const content = new persistent.ReadResp.SubscriptionConfirmation();
  content.setSubscriptionId(subscriptionId);
  const response = new persistent.ReadResp();
  response.setSubscriptionConfirmation(content);
  return Buffer.from(response.serializeBinary());
}

function uuidFormOf(options: ReadReq.Options): UuidForm {
  const option = options.getUuidOption();
  if (option?.hasString()) return 'string';
  if (option?.hasStructured()) return 'structured';
  throw invalidArgument('The request does not say how event ids are wanted (uuid option).');
}

function actionOf(action: ReadReq.Nack.Action): NackAction {
  const { Action } = persistent.ReadReq.Nack;
  switch (action) {
    case Action.PARK:
      return 'park';
    case Action.SKIP:
      return 'skip';
    case Action.STOP:
      return 'stop';
    default:
      return 'retry';
  }
}
