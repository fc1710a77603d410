/**
 * Does what a task needs on this machine, then starts its program on Node 24.
 *   node infra/setup/run.mjs <task> [arguments for its program]
 * Needs Node 20 and npm, nothing else; reaches for the network only when something is missing.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DEBIAN_PACKAGES,
  cannotInstallLine,
  commandFolders,
  installWay,
  installedPostgresqlVersions,
  lookIn,
  missingPackages,
} from './debian-packages.mjs';
import { npmInstallArguments } from './npm-packages.mjs';
import { runInForeground, runQuietly } from './quiet-command.mjs';
import { takeSetupLock } from './setup-lock.mjs';
import { TASKS, taskNamed } from './tasks.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const binFolder = join(root, 'node_modules/.bin');
const node24 = join(binFolder, 'node');

/** A set-up step failed; the message is all a person needs to see. */
class SetupError extends Error {}

function ownFolders() {
  return commandFolders(process.env.PATH ?? '', installedPostgresqlVersions());
}

/** npm must not run on the Node that it is about to replace. */
function environmentForNpm() {
  const folders = ownFolders().filter((folder) => !folder.endsWith('/node_modules/.bin'));
  return { ...process.env, PATH: folders.join(':') };
}

function environmentForProgram() {
  return { ...process.env, PATH: [binFolder, ...ownFolders()].join(':') };
}

async function step(what, command, args, env) {
  const started = Date.now();
  console.log(`setup: ${what}`);
  const { code, output } = await runQuietly(command, args, { cwd: root, env });
  if (code !== 0) throw new SetupError(`${output.trimEnd()}\nsetup: failed (exit code ${code}): ${what}`);
  console.log(`setup: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

async function installNpmPackages() {
  const args = npmInstallArguments(root);
  if (args !== undefined) await step(`installing npm packages (npm ${args[0]})`, 'npm', args, environmentForNpm());
  if (!existsSync(node24)) {
    throw new SetupError(`setup: npm has no Node 24 for this machine (${process.platform} ${process.arch})`);
  }
}

async function machineRights(isPresent) {
  const isRoot = process.getuid?.() === 0;
  const apt = isPresent('apt-get');
  const asksSudo = apt && !isRoot && isPresent('sudo');
  const sudo = asksSudo && (await runQuietly('sudo', ['-n', 'true'], { cwd: root, env: process.env })).code === 0;
  return { apt, root: isRoot, sudo };
}

async function installDebianPackages(needs) {
  const uses = new Set(needs);
  const missing = missingPackages(DEBIAN_PACKAGES, uses, lookIn(ownFolders()));
  if (missing.length === 0) return;
  const way = installWay(await machineRights(lookIn(ownFolders())));
  if (way === 'no-apt' || way === 'no-rights') throw new SetupError(cannotInstallLine(missing, way));
  const script = [join(root, 'infra/setup/install-packages.sh'), ...missing];
  const [command, args] = way === 'root' ? ['sh', script] : ['sudo', ['-n', 'sh', ...script]];
  await step(`installing Debian packages: ${missing.join(' ')}`, command, args, environmentForProgram());
  const still = missingPackages(DEBIAN_PACKAGES, uses, lookIn(ownFolders()));
  if (still.length > 0) throw new SetupError(`setup: installed, and still not found: ${still.join(' ')}`);
}

/** What a task can do without is worth a word, not a failure. */
async function installLikedPackages(likes) {
  try {
    await installDebianPackages(likes);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`setup: doing without: ${error.message}`);
  }
}

async function build() {
  const options = { cwd: root, env: environmentForProgram() };
  const code = await runInForeground(node24, ['infra/setup/build.mjs'], options);
  if (code !== 0) throw new SetupError(`setup: the build failed (exit code ${code})`);
}

async function setUp(task) {
  const release = await takeSetupLock(join(root, '.landfall/setup.lock'), () => {
    console.log('setup: waiting for another set-up in this folder');
  });
  try {
    await installNpmPackages();
    await installDebianPackages(task.needs);
    await installLikedPackages(task.likes ?? []);
    if (task.isBuilt) await build();
  } finally {
    release();
  }
}

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const task = taskNamed(name);
  if (task === undefined) throw new SetupError(`usage: node infra/setup/run.mjs ${Object.keys(TASKS).join('|')}`);
  await setUp(task);
  const [program, ...programArgs] = task.program;
  if (!program.startsWith('-') && !existsSync(join(root, program))) {
    throw new SetupError(`setup: there is no program ${program}`);
  }
  return runInForeground(node24, [program, ...programArgs, ...args], { cwd: root, env: environmentForProgram() });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
