import { describe, expect, it } from 'vitest';
import { exampleMachine } from '../gateway/example-documents.js';
import { plainPaint } from '../terminal/paint.js';
import { renderSourceMachine, renderSourceMachines } from './render-source-machines.js';

describe('source machines', () => {
  it('are listed with what they hold', () => {
    const lost = exampleMachine({ name: 'new', connected: false, inventory: null });
    expect(renderSourceMachines([exampleMachine(), lost], plainPaint).split('\n')).toEqual([
      'NAME   ID                                    LINK       SYSTEM               DISKS   SIZE   USED',
      'db-01  22222222-2222-4222-8222-222222222222  connected  Debian GNU/Linux 12      1  2 GiB  1 GiB',
      'new    22222222-2222-4222-8222-222222222222  lost       -                        -      -      -',
    ]);
  });

  it('are shown with disks, partitions and what is not migrated', () => {
    expect(renderSourceMachine(exampleMachine(), plainPaint).split('\n').slice(9)).toEqual([
      'Memory    8 GiB, 2 GiB free',
      '',
      'DISK           DEVICE      SIZE   USED  CONTENT  MOUNTED ON',
      'sda            /dev/sda   2 GiB      -  GPT      -',
      '  partition 1  /dev/sda1  2 GiB  1 GiB  ext4     /',
      '',
      'Network storage, which is not migrated:',
      '  nas:/share on /mnt/share (nfs4)',
    ]);
  });

  it('may not have reported yet', () => {
    expect(renderSourceMachine(exampleMachine({ inventory: null }), plainPaint)).toMatch(
      /has not reported the machine yet\.$/,
    );
  });
});
