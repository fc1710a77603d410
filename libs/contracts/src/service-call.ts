import * as z from 'zod';

/** One request that a service answers over NATS: its subject and the shapes of question and answer. */
export interface ServiceCall<Request extends z.ZodType = z.ZodType, Reply extends z.ZodType = z.ZodType> {
  readonly subject: string;
  readonly request: Request;
  readonly reply: Reply;
}

export const serviceCall = <Request extends z.ZodType, Reply extends z.ZodType>(
  subject: string,
  request: Request,
  reply: Reply,
): ServiceCall<Request, Reply> => ({ subject: `landfall.${subject}`, request, reply });

/** What the answering side gets, after the check. */
export type RequestOf<Call extends ServiceCall> = z.output<Call['request']>;
/** What the answering side gives, before the check. */
export type ReplyOf<Call extends ServiceCall> = z.input<Call['reply']>;

/** What travels: who asks and why, and the question. A repeated `commandId` is the same command. */
export const callEnvelope = z.object({
  commandId: z.uuid(),
  correlationId: z.uuid(),
  causationId: z.uuid(),
  actor: z.string().regex(/^(operator|service|endpoint):.+$/),
  data: z.unknown(),
});
export type CallEnvelope = z.infer<typeof callEnvelope>;

/** A refused or failed call as it travels back. `retryable` tells machinery's failures from answers. */
export const callFailure = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
  details: z.record(z.string(), z.unknown()),
});
export type CallFailure = z.infer<typeof callFailure>;

export const nothing = z.object({});
