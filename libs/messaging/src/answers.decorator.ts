import { Logger } from '@nestjs/common';
import { MessagePattern, RpcException } from '@nestjs/microservices';
import type * as z from 'zod';
import { type ServiceCall, callEnvelope } from '#libs/contracts';
import { type Actor, type CommandContext, DomainError } from '#libs/eventsourcing';
import { toCallFailure } from './call-failure.js';

const log = new Logger('ServiceCall');

const invalid = (subject: string, issues: z.core.$ZodIssue[]): DomainError =>
  new DomainError(
    'REQUEST.INVALID',
    `The request does not have the shape that ${subject} takes.`,
    'Correct the fields that are named in the details.',
    { issues: issues.map(({ path, message }) => ({ field: path.join('.'), message })) },
  );

type Answer<Request extends z.ZodType, Reply extends z.ZodType> = (
  data: z.output<Request>,
  context: CommandContext,
) => Promise<z.input<Reply>>;

/**
 * Marks the method that answers a {@link ServiceCall}. Checks what comes in and what goes out, makes the command's
 * context (this is where the clock is read), and turns errors into failures that the asking side understands.
 */
export const Answers =
  <Request extends z.ZodType, Reply extends z.ZodType>(call: ServiceCall<Request, Reply>) =>
  <Method extends Answer<Request, Reply>>(
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    const answer = descriptor.value;
    if (answer === undefined) throw new TypeError('@Answers belongs on a method');
    const checked = async function (this: unknown, payload: unknown): Promise<unknown> {
      try {
        const envelope = callEnvelope.safeParse(payload);
        if (!envelope.success) throw invalid(call.subject, envelope.error.issues);
        const data = call.request.safeParse(envelope.data.data);
        if (!data.success) throw invalid(call.subject, data.error.issues);
        const { commandId, correlationId, causationId, actor } = envelope.data;
        const context = { commandId, correlationId, causationId, actor: actor as Actor, now: new Date().toISOString() };
        return call.reply.parse(await answer.call(this, data.data, context));
      } catch (error) {
        const failure = toCallFailure(error);
        if (failure.code.startsWith('SERVICE.')) log.error(`${call.subject}: ${describe(error)}`);
        throw new RpcException(failure);
      }
    };
    descriptor.value = checked as unknown as Method;
    MessagePattern(call.subject)(target, key, descriptor);
  };

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
