import { InventoryError } from './inventory.errors.js';
import { TOOL_PACKAGES, type Tool } from './machine-view.js';

/** What Node says of a program that could not be started or was ended for it. */
interface ProcessFault {
  readonly message: string;
  readonly code?: string | number | null | undefined;
  readonly killed?: boolean | undefined;
}

/** The error for a program that gave no exit code: it is not installed, did not end in time, or printed too much. */
export function toolFailure(tool: Tool, fault: ProcessFault): InventoryError {
  if (fault.code === 'ENOENT') {
    const debianPackage = TOOL_PACKAGES[tool];
    return new InventoryError(
      'INVENTORY.TOOL_MISSING',
      `The program ${tool} is not installed; it is in the Debian package ${debianPackage}.`,
      `apt-get install ${debianPackage}`,
    );
  }
  const cause = fault.killed === true ? 'it did not end in time and was stopped' : fault.message;
  return new InventoryError(
    'INVENTORY.TOOL_FAILED',
    `The program ${tool} failed: ${cause}`,
    'Check that the disks of this machine answer (dmesg), then try again.',
  );
}
