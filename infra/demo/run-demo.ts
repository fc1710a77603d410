import { join, relative } from 'node:path';
import type { GatewayClient } from '../../apps/cli/src/gateway/gateway-client.js';
import { SERVER_FOLDER } from './run-folder/clean-up-run.js';
import { checkTarget } from './steps/check-target.js';
import type { DemoContext } from './steps/demo-context.js';
import { migrate } from './steps/migrate.js';
import type { MigrationSetting } from './steps/migration-setting.js';
import { prepare } from './steps/prepare.js';
import { isProven, renderSummary } from './summary/render-summary.js';

const EVENT_PAGE = 500;
/** Of a server that is started again without a port. */
const DEFAULT_URL = 'http://127.0.0.1:8080';

/**
 * The whole path once.
 *
 * @returns whether the target is proven to be identical to the source
 */
export async function runDemo(context: DemoContext): Promise<boolean> {
  const startedAt = performance.now();
  const { log, output, options, signal } = context;
  const setting = await prepare(context);
  const document = await migrate(context, setting);
  const { taskId, targetVmId } = document.task;
  const eventCount = await countEvents(setting.gateway, taskId);
  await setting.agent.stop();
  if (!options.keep) await setting.server.stop();
  const check = await checkTarget(context, setting, targetVmId);
  const durationMs = performance.now() - startedAt;
  const next = whereToLook(context, setting, taskId, check.imagePath);
  const summary = { document, check, eventCount, durationMs, next };
  log.say(`\n${renderSummary(summary, output.paint)}`);
  if (options.keep) {
    log.say('\nThe server runs on. Ctrl-C ends it.');
    await untilAborted(signal);
  }
  return isProven(summary);
}

async function countEvents(gateway: GatewayClient, taskId: string): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const { events, next } = await gateway.events(taskId, { after, limit: EVENT_PAGE });
    count += events.length;
    if (next === null || events.length === 0) return count;
    after = next;
  }
}

function whereToLook(
  { options, dist, folder }: DemoContext,
  { addresses, server, agent }: MigrationSetting,
  taskId: string,
  imagePath: string,
): readonly (readonly [string, string])[] {
  const here = (path: string) => relative(process.cwd(), path) || '.';
  const cli = `node ${here(dist)}/apps/cli/src/main.js`;
  const url = options.keep ? addresses.gatewayUrl : DEFAULT_URL;
  const startAgain: readonly (readonly [string, string])[] = options.keep
    ? []
    : [['Server again', `npm start -- --folder ${here(join(folder, SERVER_FOLDER))}`]];
  return [
    ...startAgain,
    ['REST', `${url}/api/v1/migration-tasks/${taskId}`],
    ['CLI', `export LANDFALL_URL=${url} LANDFALL_KEY_FILE=${here(addresses.apiKeyFile)}`],
    ['', `${cli} task ${taskId}`],
    ['', `${cli} events ${taskId}`],
    ['Target disk', here(imagePath)],
    ['Logs', `${here(server.logFile)}, ${here(agent.logFile)}, ${here(addresses.logFolder)}`],
  ];
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
