import type { CommandContext } from '#libs/eventsourcing';

const EXAMPLE: CommandContext = {
  commandId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f101',
  correlationId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f102',
  causationId: '0d9c2f0e-6f51-4b0a-8a55-0a3c64d5f103',
  actor: 'operator:alice',
  now: '2026-03-01T10:00:00.000Z',
};

/** The context of a command in a spec: fixed ids and time, except for what matters to the spec. */
export const exampleContext = (overrides: Partial<CommandContext> = {}): CommandContext => ({
  ...EXAMPLE,
  ...overrides,
});
