import type { MachineInventory } from '#libs/contracts';

export type Architecture = MachineInventory['operatingSystem']['architecture'];

/** Name and version from `/etc/os-release`; rolling distributions have no version, which is an empty string here. */
export function parseOsRelease(text: string): { readonly name: string; readonly version: string } {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_0-9]+)=(.*)$/.exec(line.trim());
    if (match) values.set(match[1] ?? '', unquote(match[2] ?? ''));
  }
  return { name: values.get('NAME') ?? 'Linux', version: values.get('VERSION_ID') ?? values.get('BUILD_ID') ?? '' };
}

function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
  return quoted.replace(/\\(["'`$\\])/g, '$1');
}

/** The architecture of a kernel that calls its hardware `hardwareName` (`uname -m`). */
export function architectureOf(hardwareName: string): Architecture {
  switch (hardwareName) {
    case 'x86_64':
    case 'amd64':
      return 'x86_64';
    case 'aarch64':
    case 'arm64':
      return 'aarch64';
    default:
      return 'other';
  }
}

/** Which firmware started this machine: only x86 has had a BIOS, so elsewhere the absence of EFI says nothing. */
export function firmwareOf(hasEfiFolder: boolean, architecture: Architecture): MachineInventory['firmware'] {
  if (hasEfiFolder) return 'uefi';
  return architecture === 'x86_64' ? 'bios' : 'unknown';
}
