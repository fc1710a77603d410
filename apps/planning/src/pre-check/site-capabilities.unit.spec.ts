import { describe, expect, it } from 'vitest';
import { capabilitiesOf } from './site-capabilities.js';

describe('capabilitiesOf', () => {
  it.each([
    ['local-process', 'local', true, 256],
    ['local-process', '', true, 256],
    ['sangfor-scp', '6.0.0 R5', true, 16],
    ['sangfor-scp', '6.2.0', false, 16],
    ['sangfor-scp', '6.3.0', true, 16],
    ['sangfor-scp', '6.11.1', true, 64],
    ['sangfor-scp', 'local', false, 16],
    ['sangfor-scp', '', false, 16],
    ['manual', '6.11.1', false, 64],
    ['manual', '', false, 16],
    ['a driver of the future', '6.11.1', false, 16],
  ])('%s, version %j: automatic %s, %i disks', (driver, version, automaticTarget, maxDisks) => {
    expect(capabilitiesOf({ driver, version })).toEqual({ automaticTarget, maxDisks });
  });
});
