import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { credentials, Metadata, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import persistent from '@eventstore/db-client/generated/persistent_pb.js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { asText, buildMessage, plainAnswer, type Json, type JsonObject, type MessageClass } from './raw-messages.js';
import { stageDirections, type StageDirections } from './stage-directions.js';

export interface Step {
  readonly call: string;
  readonly request: JsonObject | JsonObject[];
  readonly responses: Json[];
  readonly status?: JsonObject;
}

export interface Scenario {
  readonly scenario: string;
  readonly steps: Step[];
}

type OpenCall = Pick<ClientDuplexStream<unknown, unknown>, 'on' | 'write' | 'end' | 'cancel'>;
type Method = (...values: unknown[]) => OpenCall;

const DEADLINE_MS = 10_000;
/** Silence after the expected answers that shows that no more come. */
const SILENCE_MS = 150;
const LIMIT_MS = 10_000;

const REQUEST_CLASSES: Readonly<Record<string, unknown>> = {
  'streams.append': streams.AppendReq,
  'streams.batchAppend': streams.BatchAppendReq,
  'streams.read': streams.ReadReq,
  'streams.delete': streams.DeleteReq,
  'streams.tombstone': streams.TombstoneReq,
  'persistent.create': persistent.CreateReq,
  'persistent.update': persistent.UpdateReq,
  'persistent.delete': persistent.DeleteReq,
  'persistent.read': persistent.ReadReq,
  'persistent.getInfo': persistent.GetInfoReq,
  'persistent.list': persistent.ListReq,
  'persistent.replayParked': persistent.ReplayParkedReq,
};
const classOf = (call: string): MessageClass => REQUEST_CLASSES[call] as MessageClass;

/** An open call and what came over it since it was last looked at. */
class Listening {
  readonly call: OpenCall;
  #answers: Json[] = [];
  #status: JsonObject | undefined;
  #changedMs = Date.now();

  constructor(call: OpenCall) {
    this.call = call;
    call.on('data', (message: unknown) => {
      this.#answers.push(plainAnswer(message));
      this.#changedMs = Date.now();
    });
    call.on('error', (error: ServiceError) => {
      this.#status = statusOf(error);
      this.#changedMs = Date.now();
    });
    call.on('end', () => {
      this.#status ??= { code: 'OK' };
    });
  }

  async settle(expected: Step, silenceMs: number): Promise<{ responses: Json[]; status: JsonObject }> {
    const limit = Date.now() + LIMIT_MS;
    const complete = (): boolean =>
      this.#answers.length >= expected.responses.length &&
      (this.#status !== undefined || expected.status?.['code'] === 'OPEN');
    while (!complete() && Date.now() < limit) await pause(5);
    this.#changedMs = Date.now();
    while (Date.now() - this.#changedMs < silenceMs) await pause(10);
    const responses = this.#answers;
    this.#answers = [];
    return { responses, status: this.#status ?? { code: 'OPEN' } };
  }
}

/** Plays a scenario step by step on a server and says what it answered, written as the recording writes it. */
export class Replayer {
  readonly #clients: Readonly<Record<string, object>>;
  readonly #suffix: string;
  readonly #scenario: Scenario;
  readonly #directions: StageDirections;
  readonly #idPrefix: string;
  readonly #open: Listening[] = [];
  readonly #positions = new Map<string, string>();

  /** @param suffix put into stream names, so that a server with other data can be used */
  constructor(address: string, scenario: Scenario, suffix: string) {
    const insecure = credentials.createInsecure();
    this.#clients = {
      streams: new streamsGrpc.StreamsClient(address, insecure),
      persistent: new persistentGrpc.PersistentSubscriptionsClient(address, insecure),
      features: new features.ServerFeaturesClient(address, insecure),
      gossip: new gossip.GossipClient(address, insecure),
    };
    this.#suffix = suffix;
    this.#scenario = scenario;
    this.#directions = stageDirections[scenario.scenario] ?? {};
    this.#idPrefix = createHash('sha256').update(`${suffix}${scenario.scenario}`).digest('hex').slice(0, 8);
  }

  async play(index: number): Promise<{ responses: Json[]; status: JsonObject }> {
    const step = this.#scenario.steps[index]!;
    for (const number of this.#directions.closes?.[index] ?? []) this.#open[number]!.call.cancel();
    await pause(this.#directions.waits?.[index] ?? 0);
    await this.#appendOthers(index);
    const answer = await this.#run(step, index);
    return this.#normal(answer, '') as unknown as typeof answer;
  }

  close(): void {
    for (const { call } of this.#open) call.cancel();
    for (const client of Object.values(this.#clients)) (client as { close(): void }).close();
  }

  async #run(step: Step, index: number): Promise<{ responses: Json[]; status: JsonObject }> {
    const [call = ''] = step.call.split(/[:( ]/);
    const request = this.#concrete(step.request);
    switch (call) {
      case 'features.getSupportedMethods':
        return this.#features();
      case 'gossip.read':
        return this.#gossip();
      case 'streams.append':
        return this.#append(request as JsonObject[]);
      case 'streams.batchAppend':
        return this.#batch(request as JsonObject[], step);
      case 'persistent.read':
        return this.#consume(request as JsonObject, step, index);
      case 'streams.read':
        return step.call.includes('(subscription)')
          ? this.#subscribe(request as JsonObject, step, index)
          : this.#read(request as JsonObject, step);
      default:
        return this.#unary(call, buildMessage(classOf(call), request as JsonObject));
    }
  }

  #method(call: string): Method {
    const [service = '', method = ''] = call.split('.');
    const client = this.#clients[service] as Record<string, Method>;
    return client[method]!.bind(client);
  }

  #unary(call: string, message: unknown): Promise<{ responses: Json[]; status: JsonObject }> {
    return new Promise((resolve) => {
      this.#method(call)(message, new Metadata(), deadline(), (error: ServiceError | null, response: unknown) => {
        resolve({ responses: error === null ? [plainAnswer(response)] : [], status: statusOf(error) });
      });
    });
  }

  async #features(): Promise<{ responses: Json[]; status: JsonObject }> {
    const { responses, status: outcome } = await this.#unary('features.getSupportedMethods', new shared.Empty());
    const methods = ((responses[0] as JsonObject)['methods'] as JsonObject[])
      .filter((method) => /Streams|PersistentSubscriptions/i.test(asText(method['serviceName'])))
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    return { responses: methods, status: outcome };
  }

  async #gossip(): Promise<{ responses: Json[]; status: JsonObject }> {
    const { responses, status: outcome } = await this.#unary('gossip.read', new shared.Empty());
    const members = (responses[0] as JsonObject)['members'] as JsonObject[];
    return {
      responses: members.map((member) => ({
        ...member,
        instanceId: '<uuid>',
        timeStamp: '<ticks>',
        httpEndPoint: { ...(member['httpEndPoint'] as JsonObject), port: '<port>' },
      })),
      status: outcome,
    };
  }

  #append(requests: JsonObject[]): Promise<{ responses: Json[]; status: JsonObject }> {
    return new Promise((resolve) => {
      const call = this.#method('streams.append')(
        new Metadata(),
        deadline(),
        (error: ServiceError | null, response: unknown) => {
          resolve({ responses: error === null ? [plainAnswer(response)] : [], status: statusOf(error) });
        },
      );
      call.on('error', () => undefined);
      for (const request of requests) call.write(buildMessage(streams.AppendReq as unknown as MessageClass, request));
      call.end();
    });
  }

  async #batch(requests: JsonObject[], step: Step): Promise<{ responses: Json[]; status: JsonObject }> {
    const listening = new Listening(this.#method('streams.batchAppend')(new Metadata(), deadline()));
    for (const request of requests) listening.call.write(buildMessage(classOf('streams.batchAppend'), request));
    const answer = await listening.settle(step, SILENCE_MS);
    listening.call.end();
    listening.call.cancel();
    return answer;
  }

  async #read(request: JsonObject, step: Step): Promise<{ responses: Json[]; status: JsonObject }> {
    const message = buildMessage(classOf('streams.read'), request);
    return new Listening(this.#method('streams.read')(message, new Metadata(), deadline())).settle(step, 0);
  }

  async #subscribe(request: JsonObject, step: Step, index: number): Promise<{ responses: Json[]; status: JsonObject }> {
    if ('options' in request) {
      const message = buildMessage(classOf('streams.read'), request);
      this.#open.push(new Listening(this.#method('streams.read')(message, new Metadata(), {})));
    }
    return this.#looked(step, index);
  }

  async #consume(request: JsonObject, step: Step, index: number): Promise<{ responses: Json[]; status: JsonObject }> {
    if ('options' in request) this.#open.push(new Listening(this.#method('persistent.read')(new Metadata(), {})));
    if (Object.keys(request).length > 0) {
      this.#lookedAt(index).call.write(buildMessage(classOf('persistent.read'), request));
    }
    return this.#looked(step, index);
  }

  #lookedAt(index: number): Listening {
    const number = this.#directions.looksAt?.[index];
    return (number === undefined ? this.#open.at(-1) : this.#open[number])!;
  }

  #looked(step: Step, index: number): Promise<{ responses: Json[]; status: JsonObject }> {
    return this.#lookedAt(index).settle(step, this.#directions.silences?.[index] ?? SILENCE_MS);
  }

  async #appendOthers(index: number): Promise<void> {
    const others = this.#directions.appends?.[index];
    for (let count = 0; count < (others?.count ?? 0); count += 1) {
      const id = { string: `id-${50_000 + index * 100 + count}` };
      const event = { id, metadata: { type: 'N', 'content-type': 'application/json' }, data: '{}' };
      const options = { streamIdentifier: others!.stream, any: {} };
      await this.#append(this.#concrete([{ options }, { proposedMessage: event }]) as JsonObject[]);
    }
  }

  /** Puts real ids, names and contents where the recording has placeholders. */
  #concrete(request: Json): Json {
    const text = JSON.stringify(request)
      .replace(/"id-(\d+)"/g, (_, number: string) => `"${this.#idPrefix}-0000-4000-8000-${number.padStart(12, '0')}"`)
      .replaceAll('golden_', `golden${this.#suffix}_`)
      .replaceAll('other-x', `other-x${this.#suffix}`)
      .replace(/"<(\d+) bytes>"/g, (_, bytes: string) =>
        JSON.stringify(JSON.stringify({ x: 'y'.repeat(Number(bytes) - 8) })),
      );
    return JSON.parse(text) as Json;
  }

  #normal(value: Json, field: string): Json {
    if (Array.isArray(value)) return value.map((item) => this.#normal(item, field));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.#normal(entry, key)]));
    }
    if (field === 'created') return '<ticks>';
    if (/^average.*PerSecond$/.test(field)) return '<rate>';
    if (typeof value !== 'string') return value;
    if (/(commit|prepare)Position$/i.test(field)) return this.#position(value);
    if (/^(most|least)SignificantBits$/.test(field) && value.length > 3) return '<bits>';
    return value
      .replaceAll(this.#suffix, '')
      .replace(new RegExp(`${this.#idPrefix}-0000-4000-8000-0{7}(\\d{5})`, 'g'), (_, number) => `id-${Number(number)}`)
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, field === 'subscriptionId' ? '<id>' : '<uuid>')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, '<time>');
  }

  #position(value: string): string {
    if (value === '0' || value === '18446744073709551615') return value;
    const known = this.#positions.get(value) ?? `P${this.#positions.size + 1}`;
    this.#positions.set(value, known);
    return known;
  }
}

const deadline = (): { deadline: number } => ({ deadline: Date.now() + DEADLINE_MS });
const nameOf = (method: JsonObject): string => `${asText(method['serviceName'])}${asText(method['methodName'])}`;

function statusOf(error: ServiceError | null): JsonObject {
  if (error === null) return { code: 'OK' };
  const trailers: JsonObject = {};
  for (const [key, value] of Object.entries(error.metadata.getMap())) {
    if (!['date', 'server', 'content-type', 'content-length'].includes(key)) trailers[key] = String(value);
  }
  return { code: status[error.code], ...(Object.keys(trailers).length > 0 && { trailers }) };
}
