export * from './quantities.js';
export * from './inventory.js';
export * from './control-channel.js';
