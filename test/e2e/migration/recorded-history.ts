import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { type EventView, eventView } from '#libs/contracts';

const PROGRAM = join(import.meta.dirname, '../../../infra/read-history/read-history.mjs');
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const ENDS_WITHIN_MS = 60_000;

const run = async (...args: readonly string[]): Promise<string> =>
  (
    await promisify(execFile)(process.execPath, [PROGRAM, ...args], {
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: ENDS_WITHIN_MS,
    })
  ).stdout;

/** The history of a task as the program tells it that knows the event store's client and nothing of this project. */
export const readHistory = async (eventStoreUrl: string, taskId: string): Promise<readonly EventView[]> =>
  z.array(eventView).parse(JSON.parse(await run(eventStoreUrl, taskId, '--json')));

/** The same for people: a line of headings and one for each event. */
export const readHistoryTable = async (eventStoreUrl: string, taskId: string): Promise<readonly string[]> =>
  (await run(eventStoreUrl, taskId)).trimEnd().split('\n');

/** @returns one line for each event that stands before an older one */
export const disorderIn = (events: readonly EventView[]): readonly string[] =>
  events.slice(1).flatMap((event, index) => {
    const before = events[index];
    if (before === undefined) return [];
    const step = BigInt(event.position) - BigInt(before.position);
    // Events of one append may share a position.
    const inOrder =
      step > 0n || (step === 0n && event.stream === before.stream && BigInt(event.revision) > BigInt(before.revision));
    return inOrder ? [] : [`${event.type} at ${event.position} after ${before.type} at ${before.position}`];
  });

/**
 * A cause is an event that was recorded before, or a command: a person's or an endpoint's, which has no cause but
 * itself, or one of which an earlier event tells.
 * @param events in order
 * @returns one line for each event without such a cause
 */
export const unexplainedIn = (events: readonly EventView[]): readonly string[] => {
  const known = new Set<string>();
  return events.flatMap((event) => {
    const { eventId, commandId, causationId, actor, type } = event;
    const isReaction = actor.startsWith('service:') && causationId !== commandId;
    const isExplained = known.has(causationId) || (!isReaction && isOwnCommand(event));
    known.add(eventId).add(commandId);
    return isExplained ? [] : [`${type} ${eventId} by ${actor}, caused by ${causationId}`];
  });
};

/** One report may be recorded as several commands, whose ids are made from the report's. */
const isOwnCommand = ({ causationId, commandId, type }: EventView): boolean =>
  causationId === commandId || (type === 'transfer.ranges-acknowledged.v1' && z.uuid().safeParse(causationId).success);
