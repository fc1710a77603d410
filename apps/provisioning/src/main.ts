import { runUntilSignal } from '#libs/program';
import { startService } from '#libs/service-kit';
import { parseProvisioningConfig } from './provisioning.config.js';
import { ProvisioningModule } from './provisioning.module.js';

await runUntilSignal(async () => {
  const config = parseProvisioningConfig(process.env);
  return startService('provisioning', ProvisioningModule.for(config), config);
});
