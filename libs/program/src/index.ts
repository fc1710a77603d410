export { isLoopback } from './loopback.js';
export { parseEnvironment } from './parse-environment.js';
export { type Running, runUntilSignal } from './run-until-signal.js';
