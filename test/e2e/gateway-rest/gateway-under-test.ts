import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { AnsweringServices } from './answering-services.js';
import { NatsProcess } from './nats-process.js';

/** What a gateway needs to be told; the test knows how to make one, this folder does not know any program. */
export interface GatewaySettings {
  readonly GATEWAY_HOST: string;
  readonly GATEWAY_PORT: number;
  readonly NATS_URL: string;
  readonly API_KEYS_FILE: string;
  readonly GATEWAY_BEHIND_TLS: 'false';
}

export interface GatewayUnderTest {
  readonly application: INestApplication;
  readonly url: string;
  readonly nats: NatsProcess;
  readonly services: AnsweringServices;
  close(): Promise<void>;
}

/** A gateway that listens, a NATS server of its own, and services that answer on it. */
export const startGateway = async (
  create: (settings: GatewaySettings) => Promise<INestApplication>,
  apiKeys: readonly { readonly name: string; readonly sha256: string }[],
): Promise<GatewayUnderTest> => {
  process.env['LOG_LEVEL'] ??= 'warn';
  const folder = await mkdtemp(join(tmpdir(), 'landfall-gateway-'));
  const keysFile = join(folder, 'api-keys.json');
  await writeFile(keysFile, JSON.stringify(apiKeys), { mode: 0o600 });
  const nats = await NatsProcess.start();
  const services = new AnsweringServices();
  await services.start(nats.url);
  const application = await create({
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_PORT: 0,
    NATS_URL: nats.url,
    API_KEYS_FILE: keysFile,
    GATEWAY_BEHIND_TLS: 'false',
  });
  await application.listen(0, '127.0.0.1');
  return {
    application,
    url: await application.getUrl(),
    nats,
    services,
    close: async () => {
      await application.close();
      await services.stop();
      await nats.stop();
      await rm(folder, { recursive: true });
    },
  };
};
