/** Where a gateway is, and what opens it. */
export type Gateway = {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** API key, sent as a bearer token. */
  readonly key: string;
};
