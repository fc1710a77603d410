import { digestDisk, makeDataIdentity, startNbdkit, type DataIdentity, type NbdkitServer } from '#libs/block-transfer';
import type { Disk, DiskRoundResult, RoundKind, SyncRoundAssignment } from '#libs/contracts';
import { copyFile, open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { checkTarget } from './check-target.js';
import { compareDisks } from './compare-disks.js';
import { DISK, NOT_TRIMMED, type GuestFileSystem } from './file-systems.js';
import { fill } from './fill.js';
import type { GuestLink } from './machine/guest-link.js';
import { VirtualMachine, type GuestSystem } from './machine/virtual-machine.js';
import { mountOf } from './mounting.js';
import { freeByOthers, placesOn, type DiskPlaces } from './places.js';

const MIB = 1024 * 1024;
const TASK_ID = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2b002';
/** The host, as a guest of QEMU's user networking sees it. */
const HOST_FROM_GUEST = '10.0.2.2';

export interface MigrationSettings {
  readonly system: GuestSystem;
  readonly folder: string;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** The source at the end of the final round. */
interface HeldSource {
  readonly trees: readonly string[];
  readonly places: DiskPlaces;
}

/**
 * Migrates one file system out of a guest that goes on writing to it: a full round, incremental ones, a final one. While
 * all is held still, disk and files are looked at; the target has to equal them. Throws at the first difference.
 */
export async function migrateLive(fileSystem: GuestFileSystem, settings: MigrationSettings): Promise<void> {
  const { system, folder, say } = settings;
  const image = join(folder, 'source.img');
  const target = join(folder, 'target.img');
  for (const path of [image, target]) await emptyDisk(path, fileSystem.diskMib * MIB);
  const guest = await VirtualMachine.start(system, [{ image }], join(folder, 'source.console'));
  let source: HeldSource;
  try {
    const migration = new LiveMigration(fileSystem, settings, guest.link, image, target);
    source = await migration.run();
  } finally {
    await guest.stop();
  }
  const held = join(folder, 'held.img');
  const leftOut = await compareDisks(held, target, await freeByOthers(held, folder, source.places));
  say(`every used sector is equal; ${leftOut} bytes of leftovers did not travel`);
  const trees = await checkTarget(system, target, fileSystem, join(folder, 'target.console'));
  for (const [index, tree] of trees.entries()) {
    if (tree !== source.trees[index])
      throw new Error(`the files of the target differ: ${firstLine(tree, source.trees[index])}`);
    say(`${tree.split('\n').length} lines of files are equal, and the file system is in order`);
  }
}

class LiveMigration {
  private rounds = 0;
  private identity: DataIdentity | null = null;

  constructor(
    private readonly fileSystem: GuestFileSystem,
    private readonly settings: MigrationSettings,
    private readonly link: GuestLink,
    private readonly image: string,
    private readonly target: string,
  ) {}

  async run(): Promise<HeldSource> {
    const { make, mounts, meanwhile, isHoldable } = this.fileSystem;
    await this.link.shell(make);
    for (const mount of mounts) await this.link.shell(mountOf(mount));
    for (const { mountPoint } of mounts) await this.link.shell(fill(mountPoint));
    await this.recognized();
    const { seed } = this.settings;
    const writers = mounts.map(({ mountPoint, driver }, index) => ({
      disk: { mountPoint, device: DISK, canTrim: !NOT_TRIMMED.has(driver) },
      seed: seed + index,
    }));
    await this.link.ask('start-writers', { writers });
    await this.round('full');
    await this.round('incremental');
    if (meanwhile !== null) await this.roundsMeanwhile(meanwhile);
    if (!isHoldable) await this.link.ask('stop-writers', {});
    const source = await this.finalRound();
    if (isHoldable) await this.link.ask('stop-writers', {});
    return source;
  }

  /** The inventory has to know type and mount point of all that is mounted. */
  private async recognized(): Promise<Disk> {
    const { disks } = await this.link.ask('inventory', {});
    const [disk, ...others] = disks;
    if (disk === undefined || others.length > 0) throw new Error(`an inventory of ${disks.length} disks`);
    const found = [...disk.partitions, ...(disk.volumes ?? [])];
    for (const { type, device, mountPoint } of this.fileSystem.mounts) {
      const isKnown = found.some(
        (place) =>
          place.device === device && place.fileSystem?.type === type && place.fileSystem.mountPoint === mountPoint,
      );
      if (!isKnown) throw new Error(`the inventory does not know ${type} on ${device}: ${JSON.stringify(disk)}`);
    }
    return disk;
  }

  /** Rounds until what happens meanwhile is over, and at least one. */
  private async roundsMeanwhile(script: string): Promise<void> {
    const over = new AbortController();
    const happening = this.link.shell(script).finally(() => {
      over.abort();
    });
    // Heard of below, after the round that is under way.
    happening.catch(() => undefined);
    do await this.round('incremental');
    while (!over.signal.aborted);
    await happening;
  }

  private async finalRound(): Promise<HeldSource> {
    const seen = Promise.withResolvers<HeldSource>();
    // Heard of below, after the round.
    seen.promise.catch(() => undefined);
    this.link.onHeld = (mountPoints) => {
      seen.resolve(this.lookAt(mountPoints).finally(() => this.link.ask('let-go', {})));
    };
    const { result, log } = await this.round('final');
    const doubt = log.find((line) => line.includes('counts as used'));
    if (doubt !== undefined) throw new Error(`a map was not believed in the final round: ${doubt}`);
    const { rootDigest } = await digestDisk(this.target, { algorithm: 'blake3' });
    if (rootDigest !== result.rootDigest) throw new Error('the digests of source and target differ');
    return seen.promise;
  }

  private async lookAt(held: readonly string[]): Promise<HeldSource> {
    const { mounts, isHoldable } = this.fileSystem;
    const wanted = isHoldable ? mounts.map(({ mountPoint }) => mountPoint) : [];
    if (held.toSorted().join() !== wanted.toSorted().join()) throw new Error(`held were: ${held.join() || 'none'}`);
    await copyFile(this.image, join(this.settings.folder, 'held.img'), constants.COPYFILE_FICLONE);
    const trees: string[] = [];
    for (const { mountPoint } of mounts) trees.push(await this.link.ask('tree', { folder: mountPoint }));
    return { trees, places: await placesOn(await this.recognized(), this.link) };
  }

  private async round(roundKind: RoundKind): Promise<{ result: DiskRoundResult; log: readonly string[] }> {
    const started = Date.now();
    const disk = await this.recognized();
    const server = await this.serve();
    try {
      const { reports, log } = await this.link.ask('round', { assignment: this.assignment(roundKind, disk, server) });
      const last = reports.at(-1);
      const result = last?.kind === 'round-completed' ? last.disks[0] : undefined;
      if (result === undefined)
        throw new Error(`a ${roundKind} round did not complete: ${JSON.stringify({ last, log })}`);
      const { comparison, readBytes, sentBytes } = result;
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      this.settings.say(`${roundKind}: ${comparison}, read ${readBytes}, sent ${sentBytes} bytes, ${seconds} s`);
      for (const line of log.filter((each) => each.startsWith('warn'))) this.settings.say(`  ${line}`);
      return { result, log };
    } finally {
      await server.close();
    }
  }

  private async serve(): Promise<NbdkitServer> {
    this.identity ??= await makeDataIdentity('restorer');
    const tls = { identity: this.identity, clientCertificate: this.link.ready.certificate };
    return startNbdkit({ path: this.target, host: '127.0.0.1', tls });
  }

  private assignment(roundKind: RoundKind, disk: Disk, server: NbdkitServer): SyncRoundAssignment {
    this.rounds += 1;
    const roundId = `6f3fb0f4-9f0b-4a5e-a9cf-${String(this.rounds).padStart(12, '0')}`;
    const { diskId, device, sizeBytes } = disk;
    return {
      ...{ kind: 'sync-round', assignmentId: roundId, taskId: TASK_ID, roundId, attempt: 1, roundKind },
      ...{ resend: false, digestAlgorithm: 'blake3' },
      disks: [{ diskId, device, sizeBytes, export: { ...server.export, host: HOST_FROM_GUEST } }],
    };
  }
}

async function emptyDisk(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(bytes);
  await file.close();
}

function firstLine(found: string, wanted = ''): string {
  const lines = wanted.split('\n');
  const index = found.split('\n').findIndex((line, at) => line !== lines[at]);
  return `${found.split('\n')[index] ?? 'nothing'} instead of ${lines[index] ?? 'nothing'}`;
}
