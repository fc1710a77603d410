import { runService, startService } from '#libs/service-kit';
import { parseProvisioningConfig } from './provisioning.config.js';
import { ProvisioningModule } from './provisioning.module.js';

await runService(async () => {
  const config = parseProvisioningConfig(process.env);
  return startService('provisioning', ProvisioningModule.for(config), config);
});
