/**
 * Reads the whole history of one migration task from an event store, in the order in which it happened, with nothing
 * but EventStoreDB's own client: what anybody can do who may read the store.
 *   node infra/read-history/read-history.mjs <connection string> <task id> [--json]
 * Exit code 0; 1 when there is no such task or the store cannot be read; 2 when it is called wrongly.
 */
import { clearTimeout, setTimeout } from 'node:timers';
import { ErrorType, EventStoreDBClient, FORWARDS, START, isCommandError } from '@eventstore/db-client';

const USAGE = 'usage: node infra/read-history/read-history.mjs <connection string> <task id> [--json]';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const READ_WITHIN_MS = 60_000;

/** An event as it stands in the store; revision and position as decimal strings. */
function described({ id, streamId, revision, position, type, data, metadata }) {
  return {
    position: String(position?.commit),
    stream: streamId,
    revision: String(revision),
    type,
    eventId: id,
    actor: metadata?.actor,
    causationId: metadata?.$causationId,
    commandId: metadata?.commandId,
    correlationId: metadata?.$correlationId,
    occurredAt: metadata?.occurredAt,
    data,
  };
}

/** @returns {Promise<ReturnType<typeof described>[]>} none when there is no such stream */
async function eventsOf(client, stream) {
  const events = [];
  try {
    for await (const { event } of client.readStream(stream, { direction: FORWARDS, fromRevision: START })) {
      if (event !== undefined) events.push(described(event));
    }
  } catch (error) {
    if (isCommandError(error) && error.type === ErrorType.STREAM_NOT_FOUND) return [];
    throw error;
  }
  return events;
}

const fieldIn = (events, field) => [...new Set(events.map(({ data }) => data?.[field]).filter(Boolean))];

/**
 * The task's own streams, and of those that outlive a task what belongs to it: how its restore environment enrolled.
 * One name leads to the next: the task names its target VM, that its restore environment, that its enrolment token.
 */
async function historyOf(client, taskId) {
  const readAll = async (streams) => (await Promise.all(streams.map((stream) => eventsOf(client, stream)))).flat();
  const task = await eventsOf(client, `migrationTask-${taskId}`);
  const targetVms = await readAll(fieldIn(task, 'targetVmId').map((id) => `targetVm-${id}`));
  const endpoints = await readAll(fieldIn(targetVms, 'restorerId').map((id) => `endpoint-${id}`));
  const tokens = await readAll(fieldIn(endpoints, 'enrolmentTokenId').map((id) => `enrolmentToken-${id}`));
  const others = await readAll(['replication', 'acknowledgedRanges', 'cutover'].map((owner) => `${owner}-${taskId}`));
  const shared = [...endpoints, ...tokens].filter(({ correlationId }) => correlationId === taskId);
  return [...task, ...targetVms, ...others, ...shared].sort(byPosition);
}

/** Events of one append share a position on some servers; the revision orders them. */
function byPosition(left, right) {
  const difference = BigInt(left.position) - BigInt(right.position) || BigInt(left.revision) - BigInt(right.revision);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const COLUMNS = ['position', 'stream', 'revision', 'type', 'eventId', 'actor', 'causationId', 'correlationId'];

function table(events) {
  const rows = [COLUMNS, ...events.map((event) => COLUMNS.map((column) => String(event[column])))];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index].length)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function main() {
  const words = process.argv.slice(2).filter((word) => word !== '--json');
  const [connectionString, taskId] = words;
  if (words.length !== 2 || !UUID.test(taskId)) {
    console.error(USAGE);
    return 2;
  }
  const client = EventStoreDBClient.connectionString(connectionString);
  try {
    const events = await within(READ_WITHIN_MS, historyOf(client, taskId));
    if (events.length === 0) {
      console.error(`there is no migration task ${taskId} in this event store`);
      return 1;
    }
    console.log(process.argv.includes('--json') ? JSON.stringify(events, null, 2) : table(events));
    return 0;
  } catch (error) {
    console.error(`the event store could not be read: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await client.dispose();
  }
}

async function within(milliseconds, work) {
  let timer;
  const expired = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([work, expired]).finally(() => clearTimeout(timer));
}

process.exitCode = await main();
