import { expect, it } from 'vitest';
import { exampleContext } from '#libs/testing';
import { correlatedBy, metadataOf, reactionContext } from './command.js';
import { reactionIdOf } from './ids.js';

const EVENT_ID = '5b1f4f55-6a3b-4a0c-9f2e-6b8f1c2d3e4f';
const TASK_ID = '9c2b7f10-3e5d-4d7a-8b6c-1a2b3c4d5e6f';

it('the same event and reaction give the same command, and go on with the same correlation', () => {
  const event = { id: EVENT_ID, metadata: metadataOf(exampleContext(), 'planning') };
  const context = reactionContext(event, 'boot', 'service:cutover', '2026-03-01T11:00:00.000Z');
  expect(context).toEqual({
    commandId: reactionIdOf(EVENT_ID, 'boot'),
    correlationId: exampleContext().correlationId,
    causationId: EVENT_ID,
    actor: 'service:cutover',
    now: '2026-03-01T11:00:00.000Z',
  });
  expect(reactionContext(event, 'other', 'service:cutover', context.now).commandId).not.toBe(context.commandId);
});

it('what belongs to a migration is recorded under its task, with nothing else changed', () => {
  expect(correlatedBy(exampleContext(), TASK_ID)).toEqual({ ...exampleContext(), correlationId: TASK_ID });
});
