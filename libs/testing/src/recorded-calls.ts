import type * as z from 'zod';
import type { ServiceCall } from '#libs/contracts';
import type { CallOrigin, ServiceBus } from '#libs/messaging';

export interface RecordedCall {
  readonly subject: string;
  readonly data: unknown;
  readonly origin: CallOrigin;
}

/** The asking side of a service bus on which every service says yes. Questions are checked as on the real one. */
export class RecordedCalls implements Pick<ServiceBus, 'call'> {
  readonly calls: RecordedCall[] = [];
  /** Thrown by the next call, once. */
  nextFailure: Error | null = null;

  constructor(private readonly answers: Readonly<Record<string, unknown>> = {}) {}

  async call<Request extends z.ZodType, Reply extends z.ZodType>(
    call: ServiceCall<Request, Reply>,
    data: z.input<Request>,
    origin: CallOrigin,
  ): Promise<z.output<Reply>> {
    this.calls.push({ subject: call.subject, data: call.request.parse(data), origin });
    const failure = this.nextFailure;
    this.nextFailure = null;
    if (failure !== null) throw failure;
    return call.reply.parse(this.answers[call.subject] ?? {});
  }
}
