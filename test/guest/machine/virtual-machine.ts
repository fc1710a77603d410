import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { GuestLink } from './guest-link.js';

/** Ends only what hangs: an emulated guest starts in seconds, or in minutes where others need the processors. */
const START_LIMIT_MS = 600_000;
const START_ATTEMPTS = 3;
const END_LIMIT_MS = 30_000;
const MEMORY_MIB = 1536;

export interface GuestSystem {
  readonly kernel: string;
  readonly initramfs: string;
}

export interface GuestDisk {
  readonly image: string;
  /** What the guest writes is thrown away. */
  readonly isScratch?: boolean;
}

/** A guest that runs, and does what it is asked. */
export class VirtualMachine {
  private constructor(
    private readonly qemu: ChildProcess,
    private readonly exited: Promise<void>,
    readonly link: GuestLink,
  ) {}

  /**
   * Until then nothing of the disks is touched, and the emulator makes a kernel crash now and then while it starts, so
   * that is tried again.
   * @param consoleLog file for what the guest's kernel says
   */
  static async start(system: GuestSystem, disks: readonly GuestDisk[], consoleLog: string): Promise<VirtualMachine> {
    for (let attempt = 1; attempt < START_ATTEMPTS; attempt += 1) {
      const started = await VirtualMachine.startOnce(system, disks, consoleLog).catch(() => null);
      if (started !== null) return started;
    }
    return VirtualMachine.startOnce(system, disks, consoleLog);
  }

  private static async startOnce(
    system: GuestSystem,
    disks: readonly GuestDisk[],
    consoleLog: string,
  ): Promise<VirtualMachine> {
    const listening = await GuestLink.listen();
    const qemu = spawn('qemu-system-x86_64', qemuArguments(system, disks, consoleLog, listening.port), {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = new Promise<void>((resolve) => {
      qemu.once('error', () => resolve());
      qemu.once('exit', () => resolve());
    });
    const end = (): void => void qemu.kill('SIGKILL');
    process.once('exit', end);
    void exited.then(() => process.off('exit', end));
    const late = new AbortController();
    try {
      const link = await Promise.race([
        listening.connected,
        exited.then(() => null),
        delay(START_LIMIT_MS, null, { signal: late.signal }),
      ]);
      if (link !== null) return new VirtualMachine(qemu, exited, link);
      qemu.kill('SIGKILL');
      const said = await readFile(consoleLog, 'utf8').catch(() => '');
      throw new Error(`the guest did not start: ${said.slice(-2000)}`);
    } finally {
      late.abort();
      listening.close();
    }
  }

  /** Switches it off, by force if need be. */
  async stop(): Promise<void> {
    this.link.close();
    const impatient = setTimeout(() => this.qemu.kill('SIGKILL'), END_LIMIT_MS);
    await this.exited;
    clearTimeout(impatient);
  }
}

/**
 * Emulated, not accelerated: the same everywhere. With one processor, since emulated ones wait for each other where
 * others need the real ones. The host is 10.0.2.2 to the guest.
 */
function qemuArguments(
  { kernel, initramfs }: GuestSystem,
  disks: readonly GuestDisk[],
  consoleLog: string,
  port: number,
): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', `file:${consoleLog}`],
    ...['-machine', 'q35', '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', String(MEMORY_MIB)],
    ...['-kernel', kernel, '-initrd', initramfs],
    // An emulated timer is late on a busy machine, and the kernel gives up when its check of it fails.
    ...['-append', `console=ttyS0 panic=-1 no_timer_check LANDFALL_PORT=${port}`],
    ...['-nic', 'user,model=virtio-net-pci'],
    ...disks.flatMap(({ image, isScratch = false }, index) => [
      '-drive',
      `if=none,id=disk${index},file=${image},format=raw,cache=writeback,discard=unmap,snapshot=${isScratch ? 'on' : 'off'}`,
      '-device',
      `virtio-blk-pci,drive=disk${index},serial=landfall-disk-${index}`,
    ]),
  ];
}
