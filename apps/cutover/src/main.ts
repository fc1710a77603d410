import { parseEnvironment, runUntilSignal } from '#libs/program';
import { serviceEnvironment, startService } from '#libs/service-kit';
import { CutoverModule } from './cutover.module.js';

await runUntilSignal(async () => {
  const environment = parseEnvironment(serviceEnvironment, process.env);
  return startService('cutover', CutoverModule.for(environment), environment);
});
