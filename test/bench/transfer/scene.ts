import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DigestAlgorithm, Disk, NbdExport } from '#libs/contracts';
import type { Cost } from './measured-process.js';
import { untilListening } from './measured-process.js';
import { measureCopy, type Copy, type MeasuredCopy } from './measured-copy.js';
import { missingCommands, nbdkitCommand, type Peer } from './peers.js';
import { LOOPBACK, type Route, type TlsFolders } from './route.js';
import { bundleMachine, bundleSender, bundleWan } from './sender.bundle.js';
import type { MachineOrder } from './machine.order.js';
import type { SenderOrder } from './sender.order.js';
import type { Contestant } from './series.js';
import type { SourceImage } from './source-disks.js';
import { TargetDisk } from './target-disk.js';
import { makeTlsCredentials } from './tls-credentials.js';
import type { Variant } from './variants.js';

const FIRST_PORT = 20_000;

/** What is made ready before a copy, and looked at after it. */
export interface Around {
  prepare(): Promise<void>;
  check(): Promise<void>;
  /** What else belongs to a copy, at the target's end: its time counts. */
  verify?: (copy: MeasuredCopy) => Promise<Pick<Cost, 'wallMs' | 'cpuSeconds'>>;
}

/** What of an order depends on the case; the rest is where things are. */
export type Work = Pick<SenderOrder, 'used' | 'tableFile' | 'dirty' | 'capBytesPerSecond'>;

/** A link to send through instead of the bare loopback. */
export interface Link {
  readonly delayMs: number;
  readonly bytesPerSecond: number;
}

/** Who our program is to the target, and what it knows the target by. */
interface Secured {
  readonly identity: SenderOrder['identity'];
  readonly ofTarget: Pick<NbdExport, 'serverCertificate'>;
}

/** What is left of digests in the bundle without them goes by the name of one that is not native there. */
export const algorithmOf = ({ digest }: Variant): DigestAlgorithm => (digest === 'blake3' ? 'blake3' : 'sha256');

/** What all cases share: a folder, the target, certificates, bundles of our program. */
export class Scene {
  private nextPort = FIRST_PORT;
  private readonly bundles = new Map<string, Promise<string>>();

  private constructor(
    readonly folder: string,
    private readonly root: string,
    readonly target: TargetDisk,
    private readonly tls: TlsFolders,
    readonly tell: (line: string) => void,
  ) {}

  static async create(
    folder: string,
    options: { root: string; sizeBytes: number; tell: (line: string) => void },
  ): Promise<Scene> {
    const target = await TargetDisk.create(folder, options.sizeBytes);
    return new Scene(folder, options.root, target, await makeTlsCredentials(folder), options.tell);
  }

  /**
   * A peer as a contestant, or nobody, with a word, where its programs are not installed. Peers read through the page
   * cache, and memory that a hypervisor has to give first would cost them up to 70 % more: so they find it in place.
   */
  peer(peer: Peer, source: SourceImage, around: Around, link?: Link): Contestant[] {
    const missing = missingCommands(peer);
    if (missing.length > 0) {
      this.tell(`skipped: ${peer.name} (not installed: ${missing.join(', ')})`);
      return [];
    }
    const copy = (route: Route): Promise<Copy> => peer.copy(route);
    const prepare = async (): Promise<void> => {
      await source.fillPages();
      await around.prepare();
    };
    return [{ name: peer.name, ...around, prepare, copy: () => this.measure(source, around, copy, link) }];
  }

  ours(variant: Variant, source: SourceImage, work: Work, around: Around, link?: Link): Contestant {
    const copy = async (route: Route): Promise<Copy> => {
      const secured = variant.tls ? await this.secured() : { identity: null, ofTarget: {} };
      const target: NbdExport = { host: LOOPBACK, port: route.dialPort, exportName: '', ...secured.ofTarget };
      const algorithm = algorithmOf(variant);
      const order: SenderOrder = { ...work, disk: source.disk, target, identity: secured.identity, algorithm };
      const program = await this.bundled(variant.digest, () => bundleSender(this.folder, this.root, variant.digest));
      const server = nbdkitCommand(route, { tls: variant.tls, asRestorer: true });
      return { server, port: route.port, client: [process.execPath, program, JSON.stringify(order)] };
    };
    return { name: variant.name, ...around, copy: () => this.measure(source, around, copy, link) };
  }

  /** An agent's round over all these disks, to targets in a folder, each in a file of its disk's name. */
  async machine(disks: readonly Disk[], targets: string, stateFolder: string): Promise<MeasuredCopy> {
    const { identity, ofTarget } = await this.secured();
    return this.measured(undefined, '', async (route) => {
      const server = { host: LOOPBACK, port: route.dialPort, ...ofTarget };
      const order: MachineOrder = { disks, server, identity, folder: stateFolder };
      const program = await this.bundled('machine', () => bundleMachine(this.folder, this.root));
      const served = nbdkitCommand(route, { tls: true, served: `dir=${targets}`, asRestorer: true });
      return { server: served, port: route.port, client: [process.execPath, program, JSON.stringify(order)] };
    });
  }

  /** Certificate and key of our end, and the target's certificate. */
  private async secured(): Promise<Secured> {
    const [certificate, privateKey, serverCertificate] = await Promise.all(
      ['client-cert.pem', 'client-key.pem', 'ca-cert.pem'].map((name) => readFile(join(this.tls.client, name), 'utf8')),
    );
    return {
      identity: { certificate: certificate ?? '', privateKey: privateKey ?? '' },
      ofTarget: { serverCertificate: serverCertificate ?? '' },
    };
  }

  private async measure(
    source: SourceImage,
    { verify }: Around,
    copyBy: (route: Route) => Promise<Copy>,
    link: Link | undefined,
  ): Promise<MeasuredCopy> {
    const copy = await this.measured(link, source.disk.device, copyBy);
    const more = await verify?.(copy);
    if (more === undefined) return copy;
    const { wallMs, serverCpuSeconds } = copy;
    return { ...copy, wallMs: wallMs + more.wallMs, serverCpuSeconds: serverCpuSeconds + more.cpuSeconds };
  }

  private async measured(
    link: Link | undefined,
    device: string,
    copyBy: (route: Route) => Promise<Copy>,
  ): Promise<MeasuredCopy> {
    this.nextPort += 2;
    const port = this.nextPort;
    const dialPort = link === undefined ? port : port + 1;
    const route: Route = { folder: this.folder, device, targetPath: this.target.path, port, dialPort, tls: this.tls };
    const closeLink = link === undefined ? undefined : await this.openLink(route, link);
    try {
      return await measureCopy(this.folder, await copyBy(route));
    } finally {
      await closeLink?.();
    }
  }

  private async openLink(route: Route, { delayMs, bytesPerSecond }: Link): Promise<() => Promise<void>> {
    const program = await this.bundled('wan', () => bundleWan(this.folder, this.root));
    const args = [program, route.dialPort, route.port, delayMs, bytesPerSecond].map(String);
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await untilListening(route.dialPort, () => (child.exitCode === null ? null : 'the link ended at once'));
    return async () => {
      child.kill();
      await ended;
    };
  }

  private async bundled(name: string, make: () => Promise<string>): Promise<string> {
    const known = this.bundles.get(name) ?? make();
    this.bundles.set(name, known);
    return known;
  }
}
