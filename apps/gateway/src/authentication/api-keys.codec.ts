import * as z from 'zod';
import type { ApiKeyEntry } from './api-keys.js';

const entries = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits and . _ - only, at most 64'),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the key in lower-case hexadecimal'),
    }),
  )
  .min(1, 'names nobody who may ask')
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'a name occurs twice');

/**
 * @param text content of the file of keys: `[{"name": "...", "sha256": "..."}]`
 * @throws Error that names every fault at once, and no key
 */
export const decodeApiKeys = (text: string): readonly ApiKeyEntry[] => {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const parsed = entries.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map(({ path, message }) => `[${path.join('.')}] ${message}`).join('; '));
};
