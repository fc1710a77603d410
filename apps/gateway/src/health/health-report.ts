import * as z from 'zod';

/** `degraded`: the gateway lives, and NATS, without which it can ask nobody, does not answer. */
export const healthReport = z.object({ status: z.enum(['up', 'degraded']), nats: z.enum(['up', 'down']) });
export type HealthReport = z.infer<typeof healthReport>;
