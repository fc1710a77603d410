export { Answers } from './answers.decorator.js';
export { fromCallFailure, toCallFailure } from './call-failure.js';
export { type NatsConnectionOptions, natsOptions } from './nats-options.js';
export { type CallOrigin, ServiceBus, type Unsubscribe } from './service-bus.js';
