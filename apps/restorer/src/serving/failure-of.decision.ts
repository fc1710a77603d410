import { EndpointFailure } from '#libs/block-transfer';
import type { EndpointFailureCode } from '#libs/contracts';

/** The contract's limit. */
const MAX_DETAIL_CHARACTERS = 2_000;

/** How work that ended with this error is reported. */
export function failureOf(error: unknown): { readonly code: EndpointFailureCode; readonly detail: string } {
  if (error instanceof EndpointFailure) {
    return { code: error.code, detail: error.detail.slice(0, MAX_DETAIL_CHARACTERS) };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'INTERNAL_ERROR', detail: detail.slice(0, MAX_DETAIL_CHARACTERS) };
}
