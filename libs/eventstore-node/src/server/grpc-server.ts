import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';

import { countIncompleteMessages } from './incomplete-messages.js';
import type { MemoryBudget } from './memory-budget.js';

/** Largest message taken. Clients send batches of up to 3 MiB; one append may hold 16 MiB with its metadata. */
const RECEIVE_LIMIT_BYTES = 17 * 1024 * 1024;
const SEND_LIMIT_BYTES = 64 * 1024 * 1024;
/** Calls that may be open on one connection; more wait in the client. */
const CALLS_PER_CONNECTION = 10_000;
const LOOPBACK = '127.0.0.1';

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** A gRPC server on the loopback interface, and nowhere else: it has no TLS and asks nobody who they are. */
export class GrpcServer {
  readonly #server: Server;

  /** @param unfinished what may be held of messages that are not complete */
  constructor(services: readonly GrpcService[], unfinished: MemoryBudget) {
    this.#server = new Server({
      interceptors: [countIncompleteMessages(unfinished)],
      'grpc.max_receive_message_length': RECEIVE_LIMIT_BYTES,
      'grpc.max_send_message_length': SEND_LIMIT_BYTES,
      'grpc.max_concurrent_streams': CALLS_PER_CONNECTION,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.keepalive_permit_without_calls': 1,
    });
    for (const { definition, handlers } of services) this.#server.addService(definition, handlers);
  }

  /** @param port 0 takes a free one @returns the port taken */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${LOOPBACK}:${port}`, ServerCredentials.createInsecure(), (error, taken) => {
        if (error === null) resolve(taken);
        else reject(new Error(`cannot listen on ${LOOPBACK}:${port}: ${error.message}`));
      });
    });
  }

  /** Lets running calls end, at most for `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }
}
