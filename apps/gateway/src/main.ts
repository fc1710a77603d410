import { Logger } from '@nestjs/common';
import { createGateway } from './create-gateway.js';
import { parseGatewayConfig } from './gateway.config.js';

try {
  const config = parseGatewayConfig(process.env);
  const gateway = await createGateway(config);
  const end = (): void => {
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  await gateway.listen(config.GATEWAY_PORT, config.GATEWAY_HOST);
  new Logger('gateway').log(`listening on ${await gateway.getUrl()}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
