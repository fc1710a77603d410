import { parseEnvironment, runService, serviceEnvironment, startService } from '#libs/service-kit';
import { PlanningModule } from './planning.module.js';

await runService(async () => {
  const environment = parseEnvironment(serviceEnvironment, process.env);
  return startService('planning', PlanningModule.for(environment), environment);
});
