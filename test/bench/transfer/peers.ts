import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NBDKIT_OPTIONS, serverTlsOptions } from '#libs/block-transfer';
import type { Copy } from './measured-copy.js';
import { LOOPBACK, type Route } from './route.js';

/** A program that others copy disks with. */
export interface Peer {
  readonly name: string;
  /** Commands that must be installed. */
  readonly commands: readonly string[];
  copy(route: Route): Promise<Copy>;
}

/** What an nbdkit for one copy is started with. */
interface Serving {
  readonly tls: boolean;
  /** One file, or a folder of them (`dir=`), each by its name. Left out: the route's target. */
  readonly served?: string;
  /** As a restorer starts it; else as it comes, with what it does when nobody says otherwise. */
  readonly asRestorer: boolean;
}

export function nbdkitCommand(
  route: Pick<Route, 'targetPath' | 'port' | 'tls'>,
  { tls, served = `file=${route.targetPath}`, asRestorer }: Serving,
): Copy['server'] {
  return [
    'nbdkit',
    '--foreground',
    '--exit-with-parent',
    '--ipaddr',
    LOOPBACK,
    '--port',
    String(route.port),
    ...(asRestorer ? NBDKIT_OPTIONS : []),
    ...(tls ? serverTlsOptions(route.tls.server) : []),
    'file',
    served,
  ];
}

export const nbdcopy = nbdcopyPeer('nbdcopy', false, []);
export const nbdcopyFlush = nbdcopyPeer('nbdcopy --flush', false, ['--flush']);
export const nbdcopyTls = nbdcopyPeer('nbdcopy, TLS', true, []);
/** The same client against the server that ours has. */
export const nbdcopyTlsSameServer = nbdcopyPeer('nbdcopy, TLS, a restorer’s server', true, [], true);

function nbdcopyPeer(name: string, tls: boolean, options: readonly string[], asRestorer = false): Peer {
  return {
    name,
    commands: ['nbdkit', 'nbdcopy'],
    copy: async (route) => {
      const plain = `nbd://${LOOPBACK}:${route.dialPort}`;
      const uri = tls ? `nbds://${LOOPBACK}:${route.dialPort}/?tls-certificates=${route.tls.client}` : plain;
      const client: Copy['client'] = ['nbdcopy', ...options, route.device, uri];
      return Promise.resolve({ server: nbdkitCommand(route, { tls, asRestorer }), port: route.port, client });
    },
  };
}

export const qemuImg: Peer = {
  name: 'qemu-img convert',
  commands: ['nbdkit', 'qemu-img'],
  copy: (route) =>
    Promise.resolve({
      server: nbdkitCommand(route, { tls: false, asRestorer: false }),
      port: route.port,
      client: [
        'qemu-img',
        'convert',
        '-n',
        '-f',
        'raw',
        '-O',
        'raw',
        route.device,
        `nbd://${LOOPBACK}:${route.dialPort}`,
      ],
    }),
};

export const rsyncWhole = rsyncPeer('rsync, whole file', ['--whole-file']);
export const rsyncDelta = rsyncPeer('rsync, delta', ['--no-whole-file']);

function rsyncPeer(name: string, options: readonly string[]): Peer {
  return {
    name,
    commands: ['rsync'],
    copy: async (route) => {
      const settings = join(route.folder, 'rsyncd.conf');
      const folder = route.targetPath.slice(0, route.targetPath.lastIndexOf('/'));
      const lines = ['use chroot = no', 'uid = 0', 'gid = 0', '[target]', `path = ${folder}`, 'read only = no'];
      await writeFile(settings, `${lines.join('\n')}\n`);
      const name = route.targetPath.slice(folder.length + 1);
      return {
        server: [
          'rsync',
          '--daemon',
          '--no-detach',
          `--config=${settings}`,
          `--address=${LOOPBACK}`,
          `--port=${route.port}`,
        ],
        port: route.port,
        client: [
          'rsync',
          '--inplace',
          '--ignore-times',
          '--copy-devices',
          ...options,
          route.device,
          `rsync://${LOOPBACK}:${route.dialPort}/target/${name}`,
        ],
      };
    },
  };
}

export const ddNetcat: Peer = {
  name: 'dd and nc',
  commands: ['dd', 'nc', 'sh'],
  copy: ({ device, targetPath, port, dialPort }) =>
    Promise.resolve({
      server: ['sh', '-c', `nc -l ${LOOPBACK} ${port} | dd of=${targetPath} bs=1M conv=notrunc status=none`],
      port,
      client: ['sh', '-c', `dd if=${device} bs=1M status=none | nc -N ${LOOPBACK} ${dialPort}`],
      serverEndsLast: true,
    }),
};

/** Commands of a peer that this machine lacks. */
export function missingCommands(peer: Peer): string[] {
  const folders = (process.env['PATH'] ?? '').split(':').filter(Boolean);
  return peer.commands.filter((command) => !folders.some((folder) => isProgram(join(folder, command))));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
