import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataSource } from 'typeorm';
import type { Readers } from './readers.js';

export interface HealthReport {
  readonly status: 'up' | 'degraded';
  readonly database: 'up' | 'down';
  readonly readers: readonly { readonly name: string; readonly fault: string | null }[];
}

export const reportHealth = async (dataSource: DataSource, readers: Readers): Promise<HealthReport> => {
  const database = await dataSource.query('SELECT 1').then(
    () => 'up' as const,
    () => 'down' as const,
  );
  const status = readers.status();
  const healthy = database === 'up' && status.every((reader) => reader.fault === null);
  return { status: healthy ? 'up' : 'degraded', database, readers: status };
};

/** Serves `GET /health`: 200 when everything is up, 503 with the same document when something is not. */
export const serveHealth = async (
  host: string,
  port: number,
  report: () => Promise<HealthReport>,
): Promise<{ readonly port: number; close(): Promise<void> }> => {
  const server: Server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/health') {
      response.writeHead(404).end();
      return;
    }
    report().then(
      (health) => {
        response.writeHead(health.status === 'up' ? 200 : 503, { 'content-type': 'application/json' });
        response.end(JSON.stringify(health));
      },
      () => response.writeHead(503).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
