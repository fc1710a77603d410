import type * as z from 'zod';
import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';
import type { enrolmentToken } from '../gateway/gateway-client.js';
import type { Paint } from '../terminal/paint.js';
import { momentInWords } from '../terminal/quantities-in-words.js';
import { renderPairs } from '../terminal/table.js';

export function addEnrolTokenCommand(program: Command, context: CommandContext): void {
  program
    .command('enrol-token')
    .description('issue a token with which one agent can enrol, once')
    .option('--name <name>', 'the only name under which it can be used')
    .action(async ({ name }: { readonly name?: string }) => {
      const token = await (await context.gateway()).issueEnrolmentToken(name);
      print(context, token, (paint) => renderToken(token, paint));
    });
}

export function renderToken({ token, expiresAt, serverUrl }: z.infer<typeof enrolmentToken>, paint: Paint): string {
  return renderPairs(
    [
      ['Token', token],
      ['Expires', `${momentInWords(expiresAt)} UTC`],
      ['Server', serverUrl],
    ],
    paint,
  );
}
