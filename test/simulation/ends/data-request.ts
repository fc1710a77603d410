import type { Content } from './contents.js';

/** What an agent asks of a served disk. */
export type DataRequest =
  { readonly kind: 'write'; readonly block: number; readonly content: Content } | { readonly kind: 'flush' };

export interface NumberedRequest {
  readonly number: number;
  readonly request: DataRequest;
}
