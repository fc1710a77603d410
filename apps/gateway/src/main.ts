import { Logger } from '@nestjs/common';
import { runUntilSignal } from '#libs/program';
import { createGateway } from './create-gateway.js';
import { parseGatewayConfig } from './gateway.config.js';

await runUntilSignal(async () => {
  const config = parseGatewayConfig(process.env);
  const gateway = await createGateway(config);
  await gateway.listen(config.GATEWAY_PORT, config.GATEWAY_HOST);
  new Logger('gateway').log(`listening on ${await gateway.getUrl()}`);
  return gateway;
});
