import { runService, startService } from '#libs/service-kit';
import { parseTransferConfig } from './transfer.config.js';
import { TransferModule } from './transfer.module.js';

await runService(async () => {
  const config = parseTransferConfig(process.env);
  return startService('transfer', TransferModule.for(config), config);
});
