import { createServer, type Server as TcpServer, type Socket } from 'node:net';
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

/**
 * A gRPC server on the loopback interface, and nowhere else: it has no TLS and asks nobody who they are.
 *
 * It listens itself and hands grpc-js the connections, to be able to cut them: grpc-js can only reset the calls on them,
 * which clients take for a cancellation that is not to be tried again.
 */
export class GrpcServer {
  readonly #server: Server;
  readonly #listener: TcpServer;
  readonly #connections = new Set<Socket>();

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
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer((connection) => {
      this.#connections.add(connection);
      connection.on('close', () => this.#connections.delete(connection));
      injector.injectConnection(connection);
    });
  }

  /** @param port 0 takes a free one @returns the port taken */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      // Also listened to afterwards: a connection that cannot be accepted must not end the node.
      this.#listener.on('error', (error) => {
        reject(new Error(`cannot listen on ${LOOPBACK}:${port}: ${error.message}`));
      });
      this.#listener.listen(port, LOOPBACK, () => {
        const address = this.#listener.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Lets running calls end, at most for `graceMs`, then cuts the connections: the callers see UNAVAILABLE. */
  async close(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        for (const connection of this.#connections) connection.destroy();
      }, graceMs);
      // Comes when the last connection is over, however that happened.
      this.#listener.close(() => {
        clearTimeout(limit);
        resolve();
      });
      this.#server.tryShutdown(() => undefined);
    });
  }
}
