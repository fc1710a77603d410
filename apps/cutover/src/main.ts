import { parseEnvironment, runService, serviceEnvironment, startService } from '#libs/service-kit';
import { CutoverModule } from './cutover.module.js';

await runService(async () => {
  const environment = parseEnvironment(serviceEnvironment, process.env);
  return startService('cutover', CutoverModule.for(environment), environment);
});
