import * as z from 'zod';
import type { ProcessIdentity } from './process-identity.js';

const recordSchema = z.object({
  pid: z.number().int().positive(),
  startTicks: z.string().min(1),
  bootId: z.string().min(1),
});

/** @returns the text of a pid file */
export function encodePidFile(identity: ProcessIdentity): string {
  return `${JSON.stringify(identity)}\n`;
}

/** @returns undefined when the text is no pid file of ours, such as one that was cut off while it was written */
export function decodePidFile(text: string): ProcessIdentity | undefined {
  try {
    const result = recordSchema.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
