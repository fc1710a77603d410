import * as z from 'zod';

/** Problem details (RFC 9457) as the gateway writes them. */
const problemDetails = z.looseObject({
  status: z.number().int(),
  code: z.string(),
  title: z.string(),
  detail: z.string().optional(),
  remedy: z.string().optional(),
});

export type Problem = {
  readonly status: number;
  /** From the closed list of codes, such as `PLANNING.TASK_NOT_FOUND`. */
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  /** The document as it came, for scripts. */
  readonly document: Readonly<Record<string, unknown>>;
};

/** @returns undefined when this is no problem document */
export function decodeProblem(body: unknown): Problem | undefined {
  const { success, data } = problemDetails.safeParse(body);
  if (!success) return undefined;
  return {
    status: data.status,
    code: data.code,
    detail: data.detail ?? data.title,
    remedy: data.remedy ?? '',
    document: data,
  };
}
