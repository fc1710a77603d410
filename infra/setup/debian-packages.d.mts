export interface DebianPackage {
  readonly command: string;
  readonly package: string;
  readonly use: string;
}
export const DEBIAN_PACKAGES: readonly DebianPackage[];
export function missingPackages(
  packages: readonly DebianPackage[],
  uses: ReadonlySet<string>,
  isPresent: (command: string) => boolean,
): string[];
export function commandFolders(path: string, postgresqlVersions: readonly string[]): string[];
export function installWay(machine: {
  readonly apt: boolean;
  readonly root: boolean;
  readonly sudo: boolean;
}): 'root' | 'sudo' | 'no-apt' | 'no-rights';
export function cannotInstallLine(packages: readonly string[], reason: 'no-apt' | 'no-rights'): string;
