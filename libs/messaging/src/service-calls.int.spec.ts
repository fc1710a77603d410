import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { callEnvelope, serviceCall } from '#libs/contracts';
import { type CommandContext, DomainError, PermanentError, TransientError } from '#libs/eventsourcing';
import { CuttableLink, until } from '#libs/testing';
import { Answers } from './answers.decorator.js';
import { natsOptions } from './nats-options.js';
import { type CallOrigin, ServiceBus } from './service-bus.js';

const scope = randomUUID().slice(0, 8);
const parcel = z.object({ name: z.string().min(1), grams: z.number().int().default(100) });
const weigh = serviceCall(`${scope}.weigh`, parcel, z.object({ grams: z.number() }).nullable());
/** The same subject, seen by somebody who agreed to something else. */
const weighAnyhow = serviceCall(`${scope}.weigh`, z.any(), z.any());
const weighInWords = serviceCall(`${scope}.weigh`, parcel, z.object({ words: z.string() }));
const nobody = serviceCall(`${scope}.nobody-answers`, parcel, z.null());

const asked: { readonly data: z.output<typeof parcel>; readonly context: CommandContext }[] = [];
let answer: () => { grams: number } | null = () => null;

@Controller()
class Scales {
  @Answers(weigh)
  async weigh(data: z.output<typeof parcel>, context: CommandContext): Promise<{ grams: number } | null> {
    asked.push({ data, context });
    return this.answer();
  }

  /** Only there when the method is called with its own receiver. */
  private answer(): { grams: number } | null {
    return answer();
  }
}
@Module({ controllers: [Scales] })
class ScalesModule {}

let service: INestMicroservice;
let bus: ServiceBus;
beforeAll(async () => {
  const url = inject('natsUrl');
  service = await NestFactory.createMicroservice<MicroserviceOptions>(ScalesModule, {
    transport: Transport.NATS,
    options: { ...natsOptions(url, 'scales'), queue: 'scales' },
    logger: false,
  });
  await service.listen();
  bus = new ServiceBus(url, 'asking');
  await bus.connect();
});
afterAll(async () => {
  await bus.close();
  await service.close();
});
beforeEach(() => {
  asked.length = 0;
  answer = () => null;
});

const origin = (): CallOrigin => ({
  commandId: randomUUID(),
  correlationId: randomUUID(),
  causationId: randomUUID(),
  actor: 'operator:alice',
});
const failWith = (error: unknown) => {
  answer = () => {
    throw error;
  };
};
const refusalOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

describe('a call', () => {
  it('brings the question, completed by its schema, with who asks and why, and the moment', async () => {
    answer = () => ({ grams: 7 });
    const asking = origin();
    const before = Date.now();
    expect(await bus.call(weigh, { name: 'p1' }, asking)).toEqual({ grams: 7 });
    expect(asked).toEqual([
      { data: { name: 'p1', grams: 100 }, context: { ...asking, now: expect.stringMatching(/^\d{4}-.+Z$/) } },
    ]);
    expect(Date.parse(asked[0]!.context.now)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(asked[0]!.context.now)).toBeLessThanOrEqual(Date.now());
  });

  it('may be answered with null', async () => {
    expect(await bus.call(weigh, { name: 'p1' }, origin())).toBeNull();
  });

  it('is refused, with the field named, when the question has another shape, and never reaches the service', async () => {
    const refusal = await refusalOf(bus.call(weighAnyhow, { name: '', grams: 'many' }, origin()));
    expect(refusal).toBeInstanceOf(DomainError);
    expect(refusal).toMatchObject({
      code: 'REQUEST.INVALID',
      details: { issues: [{ field: 'name' }, { field: 'grams' }] },
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ['no command id', { commandId: undefined }],
    ['a command id that is no UUID', { commandId: '1' }],
    ['an actor of no kind', { actor: 'alice' }],
    ['an actor without a name', { actor: 'operator:' }],
  ])('is refused with %s', async (_what, broken) => {
    const refusal = await refusalOf(bus.call(weigh, { name: 'p1' }, { ...origin(), ...broken } as CallOrigin));
    expect(refusal).toMatchObject({ code: 'REQUEST.INVALID' });
    expect(asked).toEqual([]);
  });

  it.each([['nothing'], ['text'], ['{']])('is refused when it is no envelope at all: %s', async (payload) => {
    const [server = ''] = natsOptions(inject('natsUrl'), 'raw').servers;
    const connection = await connect({ ...natsOptions(inject('natsUrl'), 'raw'), servers: server });
    try {
      const reply = await connection.request(weigh.subject, JSON.stringify({ id: '1', data: payload }));
      expect(reply.json()).toMatchObject({ err: { code: 'REQUEST.INVALID', retryable: false } });
    } finally {
      await connection.close();
    }
    expect(asked).toEqual([]);
    expect(await bus.call(weigh, { name: 'p1' }, origin())).toBeNull();
  });

  it('brings a refusal back with its code, remedy and details', async () => {
    failWith(new DomainError('SCALES.TOO_HEAVY', 'Too heavy.', 'Take some out.', { limit: 5 }));
    const refusal = await refusalOf(bus.call(weigh, { name: 'p1' }, origin()));
    expect(refusal).toBeInstanceOf(DomainError);
    expect(refusal).toMatchObject({
      code: 'SCALES.TOO_HEAVY',
      message: 'Too heavy.',
      remedy: 'Take some out.',
      details: { limit: 5 },
    });
  });

  it('may be repeated after a failure that passes', async () => {
    failWith(new TransientError('the database swordfish is away'));
    const failure = await refusalOf(bus.call(weigh, { name: 'p1' }, origin()));
    expect(failure).toBeInstanceOf(TransientError);
    expect(String(failure)).not.toMatch(/swordfish/);
  });

  it('is broken, not refused, after a defect of the service', async () => {
    failWith(new TypeError('swordfish is undefined'));
    const failure = await refusalOf(bus.call(weigh, { name: 'p1' }, origin()));
    expect(failure).toBeInstanceOf(PermanentError);
    expect(String(failure)).not.toMatch(/swordfish/);
  });

  it('is broken when the service answers in another shape than it agreed to', async () => {
    answer = () => ({ grams: 'many' }) as never;
    expect(await refusalOf(bus.call(weigh, { name: 'p1' }, origin()))).toBeInstanceOf(PermanentError);
  });

  it('is broken when the two sides agreed to different shapes', async () => {
    answer = () => ({ grams: 7 });
    const failure = await refusalOf(bus.call(weighInWords, { name: 'p1' }, origin()));
    expect(failure).toBeInstanceOf(PermanentError);
    expect(String(failure)).toContain(weigh.subject);
  });

  it('may be repeated when nobody listens, which is known at once', async () => {
    const before = Date.now();
    expect(await refusalOf(bus.call(nobody, { name: 'p1' }, origin()))).toBeInstanceOf(TransientError);
    expect(Date.now() - before).toBeLessThan(5_000);
  });

  it('keeps its shape on the way', () => {
    expect(() => callEnvelope.parse({ ...origin(), data: { name: 'p1' } })).not.toThrow();
  });
});

describe('news', () => {
  it('reaches everyone who listens, until they stop', async () => {
    const subject = `landfall.${scope}.news`;
    const [first, second]: [unknown[], unknown[]] = [[], []];
    const stopFirst = await bus.subscribeToNews(subject, (payload) => first.push(payload));
    const other = new ServiceBus(inject('natsUrl'), 'other');
    await other.subscribeToNews(subject, (payload) => second.push(payload));
    // A subscription is known to the server once a message has come through on the same connection.
    await until('both to listen', () => {
      bus.publishNews(subject, { hello: true });
      return first.length > 0 && second.length > 0;
    });
    stopFirst();
    const heard = first.length;
    bus.publishNews(subject, { last: true });
    await until('the last news', () => second.some((payload) => JSON.stringify(payload) === '{"last":true}'));
    expect(first).toHaveLength(heard);
    await other.close();
  });

  it('is lost while NATS is away; whoever asked for it hears of the return, and listens again by then', async () => {
    const subject = `landfall.${scope}.return`;
    const [url, link] = [new URL(inject('natsUrl')), await CuttableLink.to(new URL(inject('natsUrl')))];
    url.port = String(link.port);
    const cutOff = new ServiceBus(url.href, 'cut off');
    const [heard, witnessed, returns]: [unknown[], unknown[], string[]] = [[], [], []];
    await cutOff.subscribeToNews(subject, (payload) => heard.push(payload));
    await bus.subscribeToNews(subject, (payload) => witnessed.push(payload));
    cutOff.onReturn(() => {
      returns.push('first');
      cutOff.publishNews(subject, 'made good');
    });
    cutOff.onReturn(() => returns.push('second'))();
    await until('both to listen', () => {
      bus.publishNews(subject, 'before');
      return heard.length > 0 && witnessed.length > 0;
    });
    await link.cut();
    cutOff.publishNews(subject, 'of who is away');
    bus.publishNews(subject, 'for who is away');
    await until('the others to know', () => witnessed.includes('for who is away'));
    heard.length = 0;
    await link.mend();
    await until('news again', () => heard.length > 0);
    expect(heard).toEqual(['made good']);
    expect(witnessed).not.toContain('of who is away');
    expect(returns).toEqual(['first']);
    await cutOff.close();
    await link.cut();
  });

  it('is lost, without an error, before there is a connection', () => {
    const unconnected = new ServiceBus(inject('natsUrl'), 'unconnected');
    expect(() => unconnected.publishNews('x', {})).not.toThrow();
  });
});
