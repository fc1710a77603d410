export type { HciDriver, RestoreEnvironment, TargetVmOrder } from './hci-driver.js';
export { LocalProcessDriver, type LocalProcessOptions } from './local-process/local-process.driver.js';
