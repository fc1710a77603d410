import { describe, expect, it } from 'vitest';
import { exampleRequest } from '../example-request.js';
import { automaticTargetUnsupported } from './automatic-target-unsupported.check.js';

const severitiesFor = (version: string, provisioning: 'automatic' | 'manual' = 'automatic', driver = 'sangfor-scp') =>
  automaticTargetUnsupported(exampleRequest({ site: { driver, version }, target: { provisioning } })).map(
    ({ severity }) => severity,
  );

describe('automatic creation of the target', () => {
  it.each(['6.0.0 R4', '6.1.0', '6.2.0', 'unknown', ''])('is refused on HCI %j', (version) => {
    expect(severitiesFor(version)).toEqual(['critical']);
  });

  it.each(['6.0.0 R5', '6.3.0', '6.11.1'])('is possible on HCI %s', (version) => {
    expect(severitiesFor(version)).toEqual([]);
  });

  it('has no version to check on the local driver, and none at all on an unknown one', () => {
    expect(severitiesFor('local', 'automatic', 'local-process')).toEqual([]);
    expect(severitiesFor('6.11.1', 'automatic', 'unheard-of')).toEqual(['critical']);
  });

  it('offers the manual path, which is open to all', () => {
    const [concern] = automaticTargetUnsupported(exampleRequest({ site: { version: '6.2.0' } }));
    expect(concern).toMatchObject({
      code: 'PRECHECK.AUTOMATIC_TARGET_UNSUPPORTED',
      text: expect.stringContaining('"6.2.0"'),
      remedy: expect.stringContaining('"manual"'),
    });
    expect(severitiesFor('6.2.0', 'manual')).toEqual([]);
    expect(severitiesFor('', 'manual')).toEqual([]);
  });
});
