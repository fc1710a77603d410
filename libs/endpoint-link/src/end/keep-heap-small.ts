import { setFlagsFromString } from 'node:v8';

/**
 * For a program that works beside the customer's own: it makes many short-lived objects, and keeps few. Left alone, V8
 * answers with a large nursery, and lets garbage lie for as long as the machine has memory.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
}
