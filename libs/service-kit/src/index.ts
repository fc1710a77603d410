export { type ServiceEnvironment, serviceEnvironment } from './environment.js';
export { type HealthReport, reportHealth, serveHealth } from './health.js';
export { KernelModule, type KernelOptions } from './kernel.module.js';
export { Readers } from './readers.js';
export { SweepingProvider } from './sweeping-provider.js';
export { type RunningService, startService } from './start-service.js';
