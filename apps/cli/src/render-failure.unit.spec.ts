import { describe, expect, it } from 'vitest';
import { ConnectionUnknown, GatewayProblem, GatewayUnreachable, UnexpectedAnswer } from './gateway/gateway.errors.js';
import { decodeProblem } from './gateway/problem.codec.js';
import { showFailure } from './render-failure.js';
import { plainPaint } from './terminal/paint.js';

const problem = (document: Record<string, unknown>) => {
  const decoded = decodeProblem({ type: 'about:blank', title: 'Planning: x', instance: '/x', ...document });
  if (decoded === undefined) throw new Error('no problem document');
  return new GatewayProblem(decoded);
};

describe('a failure', () => {
  it('of the server has code, text and remedy', () => {
    const failure = showFailure(
      problem({ status: 404, code: 'PLANNING.TASK_NOT_FOUND', detail: 'There is no task.', remedy: 'List them.' }),
      plainPaint,
    );
    expect(failure).toMatchObject({
      exitCode: 3,
      text: 'PLANNING.TASK_NOT_FOUND  There is no task.\nRemedy: List them.',
      document: { code: 'PLANNING.TASK_NOT_FOUND', status: 404 },
    });
  });

  it('names wrong fields and the concerns of the pre-checks', () => {
    const concern = {
      code: 'NO_DISKS',
      severity: 'critical',
      title: 'No disks',
      text: 'Nothing to do.',
      remedy: 'Add one.',
    };
    const { text } = showFailure(
      problem({
        status: 422,
        code: 'PLANNING.PRE_CHECKS_FAILED',
        detail: 'Refused.',
        remedy: 'See the concerns.',
        errors: [{ field: 'name', message: 'is missing' }],
        details: { concerns: [concern], limit: 3 },
      }),
      plainPaint,
    );
    expect(text.split('\n')).toEqual([
      'PLANNING.PRE_CHECKS_FAILED  Refused.',
      'Remedy: See the concerns.',
      '  name: is missing',
      'critical  NO_DISKS: No disks',
      '  Nothing to do.',
      '  Remedy: Add one.',
      '  limit: 3',
    ]);
  });

  it.each([
    [problem({ status: 401, code: 'AUTHENTICATION.REQUIRED' }), 5],
    [problem({ status: 503, code: 'SERVICE.UNAVAILABLE' }), 4],
    [problem({ status: 500, code: 'SERVICE.INTERNAL' }), 4],
    [new GatewayUnreachable('Nobody answers'), 4],
    [new ConnectionUnknown('No key is known'), 2],
    [new UnexpectedAnswer('not what was agreed'), 1],
    [new TypeError('a defect'), 1],
  ])('%s ends the program with %d', (error, exitCode) => {
    expect(showFailure(error, plainPaint).exitCode).toBe(exitCode);
  });

  it('is no problem document when it lacks a code', () => {
    expect(decodeProblem({ status: 404, title: 'Not Found' })).toBeUndefined();
    expect(decodeProblem('<html>')).toBeUndefined();
  });
});
