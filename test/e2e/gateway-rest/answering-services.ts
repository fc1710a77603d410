import 'reflect-metadata';
import { Controller, type INestMicroservice, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import type * as z from 'zod';
import { type ServiceCall, cutoverCalls, planningCalls, provisioningCalls, transferCalls } from '#libs/contracts';
import { type CommandContext, DomainError } from '#libs/eventsourcing';
import { Answers, natsOptions } from '#libs/messaging';

/** A question that reached a service. */
export interface Asked {
  readonly subject: string;
  readonly data: unknown;
  readonly context: CommandContext;
}

type Answer = (data: unknown) => unknown;

/**
 * Stands for the four services on NATS: keeps what it was asked, and answers what a test told it to. What goes out
 * passes the same checks as a real service's answers.
 */
export class AnsweringServices {
  readonly asked: Asked[] = [];
  readonly #answers = new Map<string, Answer>();
  #application: INestMicroservice | null = null;

  async start(natsUrl: string): Promise<void> {
    // Two services may have a call of the same name.
    const calls: ServiceCall[] = [planningCalls, provisioningCalls, transferCalls, cutoverCalls].flatMap((of) =>
      Object.values<ServiceCall>(of),
    );
    const controllers = calls.map((call) => controllerFor(call, this));
    @Module({ controllers })
    class Services {}
    this.#application = await NestFactory.createMicroservice<MicroserviceOptions>(Services, {
      transport: Transport.NATS,
      options: { ...natsOptions(natsUrl, 'answering-services'), queue: 'answering-services' },
      logger: false,
    });
    await this.#application.listen();
  }

  async stop(): Promise<void> {
    await this.#application?.close();
  }

  on<Request extends z.ZodType, Reply extends z.ZodType>(
    call: ServiceCall<Request, Reply>,
    answer: () => z.input<Reply>,
  ): void {
    this.#answers.set(call.subject, answer);
  }

  /** @param details as they travel to the asking side */
  refuse(call: ServiceCall, code: string, details: Record<string, unknown> = {}): void {
    this.#answers.set(call.subject, () => {
      throw new DomainError(code, `Refused with ${code}.`, 'Do something else.', details);
    });
  }

  forget(): void {
    this.asked.length = 0;
    this.#answers.clear();
  }

  askedOf(call: ServiceCall): Asked[] {
    return this.asked.filter(({ subject }) => subject === call.subject);
  }

  async handle(call: ServiceCall, data: unknown, context: CommandContext): Promise<unknown> {
    this.asked.push({ subject: call.subject, data, context });
    const answer = this.#answers.get(call.subject);
    if (answer === undefined) throw new Error(`no answer to ${call.subject} is prepared`);
    return answer(data);
  }
}

const controllerFor = (call: ServiceCall, services: AnsweringServices): Type => {
  @Controller()
  class Answering {
    @Answers(call)
    async answer(data: unknown, context: CommandContext): Promise<unknown> {
      return services.handle(call, data, context);
    }
  }
  return Answering;
};
