import type { GatewayClient } from './gateway/gateway-client.js';
import type { Output } from './terminal/output.js';
import type { Paint } from './terminal/paint.js';

/** What a command of the program gets to work with. */
export interface CommandContext {
  /** @throws ConnectionUnknown when there is nobody to ask */
  gateway(): Promise<GatewayClient>;
  readonly output: Output;
  /** Documents as JSON instead of text for people. */
  readonly isJson: () => boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Sets how the program ends when the command itself has done its work. */
  endWith(code: number): void;
}

/** Prints the document for a script, or a text about it for a person. */
export function print(context: CommandContext, document: unknown, text: (paint: Paint) => string): void {
  const shown = context.isJson() ? JSON.stringify(document, null, 2) : text(context.output.paint);
  context.output.write(`${shown}\n`);
}
