/**
 * The program of the guest: dials the host, and does what it is asked. An agent's inventory, rounds and holding of file
 * systems are those of the agent. Ends with the connection, and the guest with it.
 *
 *   guest.mjs <host> <port>
 *   guest.mjs writer <order as JSON>
 */
import { collectInventory } from '../../../apps/agent/src/inventory/collect-inventory.js';
import { ChangeTracker, makeDataIdentity } from '#libs/block-transfer';
import type { EndpointReport, SyncRoundAssignment } from '#libs/contracts';
import { connect } from 'node:net';
import { release } from 'node:os';
import { createInterface } from 'node:readline';
import { agentRounds } from '../../fault/tracked-rounds/agent-rounds.js';
import { run, treeOf } from '../../fault/tracked-rounds/mounted-disk.js';
import type { GuestNews, GuestOrder, GuestRound, WriterOrder } from './guest.orders.js';
import { QuiesceUntilLetGo } from './quiesce-until-let-go.js';
import { runWriter, Writers } from './writers.js';

/** On the root file system, which is in memory. */
const OWN_FOLDER = '/run/landfall';

const [first = '', ...others] = process.argv.slice(2);
if (first === 'writer') await runWriter(JSON.parse(others[0] ?? '') as WriterOrder);
else await serve(first, Number(others[0]));

async function serve(host: string, port: number): Promise<void> {
  const socket = connect({ host, port });
  socket.once('close', () => process.exit(0));
  socket.on('error', () => process.exit(1));
  const tell = (news: GuestNews): void => void socket.write(`${JSON.stringify(news)}\n`);
  const identity = await makeDataIdentity('agent');
  const writers = new Writers();
  let reports: EndpointReport[] = [];
  let log: string[] = [];
  const note = (level: string, message: string): void => void log.push(`${level}: ${message}`);
  const quiesce = new QuiesceUntilLetGo({ ownFolders: [OWN_FOLDER], log: note }, (held) => tell({ held }));
  const rounds = agentRounds({
    ...{ folder: OWN_FOLDER, quiesce, security: { identity }, log: note },
    changes: new ChangeTracker({ name: 'landfall-guest', log: note }),
    collectInventory: () => collectInventory(),
    onReport: (report) => reports.push(report),
  });

  const round = async (assignment: SyncRoundAssignment): Promise<GuestRound> => {
    [reports, log] = [[], []];
    await rounds.run(assignment, new AbortController().signal);
    return { reports, log };
  };
  const obey = async (order: GuestOrder): Promise<unknown> => {
    switch (order.kind) {
      case 'shell':
        return run('sh', '-ec', order.script);
      case 'inventory':
        return collectInventory();
      case 'tree':
        return treeOf(order.folder);
      case 'start-writers':
        return writers.start(order.writers);
      case 'stop-writers':
        return writers.stop();
      case 'round':
        return round(order.assignment);
      case 'let-go':
        return quiesce.letGo();
    }
  };
  createInterface({ input: socket }).on('line', (line) => {
    const order = JSON.parse(line) as GuestOrder;
    const { id } = order;
    obey(order).then(
      (answer) => tell({ id, answer: answer ?? null }),
      (error: unknown) => tell({ id, failure: describe(error) }),
    );
  });
  socket.once('connect', () => tell({ ready: { kernel: release(), certificate: identity.certificate } }));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stderr = 'stderr' in error ? String(error.stderr) : '';
  return `${error.stack ?? error.message}\n${stderr}`;
}
