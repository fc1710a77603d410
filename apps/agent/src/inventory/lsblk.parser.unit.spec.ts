import { describe, expect, it } from 'vitest';
import { parseLsblk } from './lsblk.parser.js';

const device = {
  name: '/dev/sda',
  kname: '/dev/sda',
  type: 'disk',
  size: 1024,
  ro: false,
  rm: true,
  tran: 'sas',
  serial: ' AB 12 ',
  wwn: '',
  'log-sec': 512,
  'maj:min': ' 8:0',
};
const parsed = (row: object) => parseLsblk(JSON.stringify({ blockdevices: [row] }))[0];

describe('parseLsblk', () => {
  it('takes blank and absent values for unknown, and trims the others', () => {
    expect(parsed(device)).toEqual({
      path: '/dev/sda',
      kernelName: 'sda',
      type: 'disk',
      sizeBytes: 1024,
      logicalSectorBytes: 512,
      readOnly: false,
      removable: true,
      transport: 'sas',
      scsiAddress: null,
      serial: 'AB 12',
      wwn: null,
      fileSystemType: null,
      uuid: null,
      label: null,
      deviceNumber: '8:0',
      children: [],
    });
  });

  it('reads the strings of older versions as the same device', () => {
    expect(parsed({ ...device, size: '1024', ro: '0', rm: '1', 'log-sec': '512' })).toEqual(parsed(device));
  });

  it.each([
    ['', 'nothing'],
    ['{}', 'no list'],
    ['{"blockdevices":[{"name":"x"}]}', 'an unknown row'],
  ])('refuses %j (%s)', (output) => {
    expect(() => parseLsblk(output)).toThrow(
      expect.objectContaining({
        code: 'INVENTORY.TOOL_OUTPUT_UNREADABLE',
        remedy: expect.stringContaining('util-linux'),
      }),
    );
  });
});
