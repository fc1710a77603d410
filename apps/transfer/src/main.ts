import { runUntilSignal } from '#libs/program';
import { startService } from '#libs/service-kit';
import { parseTransferConfig } from './transfer.config.js';
import { TransferModule } from './transfer.module.js';

await runUntilSignal(async () => {
  const config = parseTransferConfig(process.env);
  return startService('transfer', TransferModule.for(config), config);
});
