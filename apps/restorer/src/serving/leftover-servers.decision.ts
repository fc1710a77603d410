/** An nbdkit as `/proc` shows it. */
export interface ServerProcess {
  readonly pid: number;
  /** It ends with the process that started it, which is how this program starts one, and hardly anybody else. */
  readonly endsWithParent: boolean;
  /** What it serves. */
  readonly paths: readonly string[];
  /** It does not tell any more what it serves, while some of its threads may still work. */
  readonly isDying: boolean;
}

/**
 * @param stat content of `/proc/<pid>/stat` (proc(5))
 * @param commandLine content of `/proc/<pid>/cmdline`
 * @returns null when this is no nbdkit, or only the remains of one
 */
export function serverProcessIn(pid: number, stat: string, commandLine: string): ServerProcess | null {
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  if (name !== 'nbdkit') return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads] = [fields[0], Number(fields[17])];
  if (state === 'Z' && threads <= 1) return null;
  const given = commandLine.split('\0');
  return {
    pid,
    endsWithParent: given.includes('--exit-with-parent'),
    paths: given.filter((argument) => argument.startsWith('file=')).map((argument) => argument.slice('file='.length)),
    isDying: state === 'Z' || commandLine === '',
  };
}

/**
 * Whether a server of an earlier process may still write to one of the disks. One that is dying and does not tell any
 * more which disk it had counts too.
 * @param served the files that it serves
 * @param disks the files that must have no other server
 */
export function isLeftover(server: ServerProcess, served: readonly string[], disks: ReadonlySet<string>): boolean {
  return server.isDying || (server.endsWithParent && served.some((file) => disks.has(file)));
}
