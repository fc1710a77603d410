import { parseEnvironment, runUntilSignal } from '#libs/program';
import { serviceEnvironment, startService } from '#libs/service-kit';
import { PlanningModule } from './planning.module.js';

await runUntilSignal(async () => {
  const environment = parseEnvironment(serviceEnvironment, process.env);
  return startService('planning', PlanningModule.for(environment), environment);
});
