import type { Problem } from './problem.codec.js';

/** The gateway answered with problem details: it refused, or it failed. */
export class GatewayProblem extends Error {
  override readonly name = 'GatewayProblem';

  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

/** Nobody answers at the gateway's address, or the connection broke. */
export class GatewayUnreachable extends Error {
  override readonly name = 'GatewayUnreachable';
}

/** An answer that is not what was agreed; the gateway is another version, or something else answers there. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** Where the gateway is, or with which key to ask, is not known. */
export class ConnectionUnknown extends Error {
  override readonly name = 'ConnectionUnknown';
}
