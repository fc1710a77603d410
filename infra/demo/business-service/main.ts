/**
 * Stands for the business on the source machine: writes files until it is stopped (SIGTERM).
 *   node dist/infra/demo/business-service/main.js <folder>
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 200;
const ORDER_BYTES = 20_000;
/** Older orders are archived, that is, deleted. */
const KEPT_ORDERS = 60;

const stopped = new AbortController();
process.on('SIGTERM', () => {
  stopped.abort();
});

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: main.js <folder>');
await mkdir(folder, { recursive: true });

const orderPath = (number: number): string => join(folder, `order-${number}.bin`);

async function write(path: string, flags: 'a' | 'w', content: string | Buffer): Promise<void> {
  const file = await open(path, flags);
  await file.writeFile(content);
  await file.sync();
  await file.close();
}

let orders = 0;
while (!stopped.signal.aborted) {
  orders += 1;
  await write(orderPath(orders), 'w', randomBytes(ORDER_BYTES));
  await write(join(folder, 'orders.log'), 'a', `${new Date().toISOString()} order ${orders}\n`);
  if (orders > KEPT_ORDERS) await rm(orderPath(orders - KEPT_ORDERS));
  await delay(PAUSE_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
}
