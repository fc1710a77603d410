import { InventoryError } from './inventory.errors.js';
import { TOOL_PACKAGES, type Tool } from './machine-view.js';

const DETAIL_MAX_CHARACTERS = 300;

/** The error for a program whose output has a form this version does not know. */
export function unreadableOutput(tool: Tool, cause: unknown): InventoryError {
  const detail = (cause instanceof Error ? cause.message : String(cause)).slice(0, DETAIL_MAX_CHARACTERS);
  return new InventoryError(
    'INVENTORY.TOOL_OUTPUT_UNREADABLE',
    `The output of ${tool} was not understood: ${detail}`,
    `Install a supported version of the package ${TOOL_PACKAGES[tool]}, or report the output of ${tool} to the developers.`,
  );
}
