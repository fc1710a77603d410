import * as z from 'zod';
import { concern } from '#libs/contracts';
import { EXIT_CODES, type ExitCode } from './exit-codes.js';
import { ConnectionUnknown, GatewayProblem, GatewayUnreachable, UnexpectedAnswer } from './gateway/gateway.errors.js';
import type { Problem } from './gateway/problem.codec.js';
import { renderConcerns } from './migration-tasks/render-task.js';
import type { Paint } from './terminal/paint.js';
import { withoutControlCharacters as clean } from './terminal/table.js';

export type ShownFailure = {
  readonly exitCode: ExitCode;
  /** For people. */
  readonly text: string;
  /** For scripts. */
  readonly document: Readonly<Record<string, unknown>>;
};

const NOT_AUTHENTICATED = [401, 403];
const FIRST_SERVER_FAULT = 500;

/** How the program ends after an error, and what it says. */
export function showFailure(error: unknown, paint: Paint): ShownFailure {
  if (error instanceof GatewayProblem) return ofProblem(error.problem, paint);
  if (error instanceof GatewayUnreachable) {
    const { text, document } = inWords(
      'GATEWAY_UNREACHABLE',
      error.message,
      'Is the server running? landfall --url ...',
      paint,
    );
    return { exitCode: EXIT_CODES.unavailable, text, document };
  }
  if (error instanceof ConnectionUnknown) {
    return { exitCode: EXIT_CODES.usage, text: clean(error.message), document: { detail: error.message } };
  }
  if (error instanceof UnexpectedAnswer) {
    return { exitCode: EXIT_CODES.defect, text: error.message, document: { detail: error.message } };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: EXIT_CODES.defect, text, document: { detail: text } };
}

function ofProblem(problem: Problem, paint: Paint): ShownFailure {
  const { text } = inWords(problem.code, problem.detail, problem.remedy, paint);
  const more = moreLines(problem.document, paint);
  return { exitCode: exitCodeOf(problem.status), text: [text, ...more].join('\n'), document: problem.document };
}

function exitCodeOf(status: number): ExitCode {
  if (NOT_AUTHENTICATED.includes(status)) return EXIT_CODES.notAuthenticated;
  return status >= FIRST_SERVER_FAULT ? EXIT_CODES.unavailable : EXIT_CODES.refused;
}

function inWords(code: string, detail: string, remedy: string, paint: Paint) {
  const remedyLine = remedy === '' ? [] : [`${paint('quiet', 'Remedy:')} ${clean(remedy)}`];
  return {
    text: [`${paint('bad', clean(code))}  ${clean(detail)}`, ...remedyLine].join('\n'),
    document: { code, detail, remedy },
  };
}

/** What a problem may have beside its code, text and remedy. */
const moreOfProblem = z.object({
  errors: z.array(z.object({ field: z.string(), message: z.string() })).catch([]),
  details: z.record(z.string(), z.unknown()).catch({}),
});
const concerns = z.array(concern);

/** What else the server said: the fields that are wrong, the concerns of the pre-checks, and the like. */
function moreLines(document: Problem['document'], paint: Paint): readonly string[] {
  const { errors, details } = moreOfProblem.parse(document);
  const fields = errors.map(({ field, message }) => `  ${clean(field)}: ${clean(message)}`);
  const rest = Object.entries(details).map(([name, value]) => {
    const found = concerns.safeParse(value);
    return found.success ? renderConcerns(found.data, paint) : `  ${clean(name)}: ${clean(JSON.stringify(value))}`;
  });
  return [...fields, ...rest];
}
