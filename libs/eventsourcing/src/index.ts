export * from './codec.js';
export * from './command.js';
export * from './decider.js';
export * from './errors.js';
export * from './event.js';
export * from './handle-command.js';
export * from './ids.js';
export * from './ports.js';
