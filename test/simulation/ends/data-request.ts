import type { Content } from './contents.js';

/** What an agent asks of a served disk. */
export type DataRequest =
  | { readonly kind: 'write'; readonly block: number; readonly content: Content }
  | { readonly kind: 'read'; readonly block: number }
  | { readonly kind: 'flush' };

/** `content`: of a block that was read. */
export interface NumberedAnswer {
  readonly number: number;
  readonly content: Content | null;
}

export interface NumberedRequest {
  readonly number: number;
  readonly request: DataRequest;
}
