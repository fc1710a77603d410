import { readFile } from 'node:fs/promises';

/**
 * Bytes that the loopback interface has carried, headers included. The benchmark runs in a network namespace of its
 * own, so this is what both ends of the measured copy said to each other, whatever they speak, and nothing else.
 */
export async function loopbackBytes(): Promise<number> {
  const text = await readFile('/proc/net/dev', 'utf8');
  const line = text.split('\n').find((candidate) => candidate.trim().startsWith('lo:'));
  const received = line?.trim().slice('lo:'.length).trim().split(/\s+/)[0];
  if (received === undefined) throw new Error('this network namespace has no loopback interface');
  return Number(received);
}
