import 'reflect-metadata';
import { RpcException } from '@nestjs/microservices';
import type * as z from 'zod';
import { type ServiceCall, callEnvelope } from '#libs/contracts';
import { type Actor, type CommandContext, DomainError } from '#libs/eventsourcing';
import { toCallFailure } from '#libs/messaging';
import type { Answerer } from '../world/service-bus.js';

/** Where Nest keeps the subject of a method that answers messages. */
const PATTERN = 'microservices:pattern';

type Answering = (this: unknown, envelope: unknown) => Promise<unknown>;

/** What a real controller answers, by subject: its methods with everything that the decorator puts around them. */
export const answersOf = (controller: object): ReadonlyMap<string, Answerer> => {
  const answers = new Map<string, Answerer>();
  const prototype = Object.getPrototypeOf(controller) as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name];
    if (typeof method !== 'function') continue;
    const subjects = Reflect.getMetadata(PATTERN, method) as string[] | undefined;
    for (const subject of subjects ?? []) {
      answers.set(subject, (envelope) => (method as Answering).call(controller, envelope));
    }
  }
  return answers;
};

/** The same for the few calls whose controllers cannot do without Postgres or real secrets. */
export const answering = <Request extends z.ZodType, Reply extends z.ZodType>(
  call: ServiceCall<Request, Reply>,
  answer: (data: z.output<Request>, context: CommandContext) => Promise<z.input<Reply>>,
): readonly [string, Answerer] => [
  call.subject,
  async (payload) => {
    try {
      const { data, actor, ...ids } = callEnvelope.parse(payload);
      const context = { ...ids, actor: actor as Actor, now: new Date().toISOString() };
      return call.reply.parse(await answer(call.request.parse(data), context));
    } catch (error) {
      if (!(error instanceof DomainError) && error instanceof TypeError) throw error;
      throw new RpcException(toCallFailure(error));
    }
  },
];
