import type { PreCheck } from '../pre-check-input.js';
import { inWords } from '../quantities-in-words.js';

/** R17 says 1 GB; read as 10^9 bytes, as R10 and R16 read their units. */
const SOURCE_MEMORY_FREE_RECOMMENDED_BYTES = 10 ** 9;

/** R17: the agent shares the source with its business, and recommends memory to spare. */
export const sourceMemoryLow: PreCheck = ({ inventory }) => {
  if (inventory.memoryFreeBytes >= SOURCE_MEMORY_FREE_RECOMMENDED_BYTES) return [];
  return [
    {
      code: 'PRECHECK.SOURCE_MEMORY_LOW',
      severity: 'warning',
      title: 'Little free memory on the source',
      text: `${inventory.hostname} has ${inWords(inventory.memoryFreeBytes)} of memory free; 1 GB is recommended.`,
      remedy: 'Free memory on the source machine, or migrate it at a quiet time.',
    },
  ];
};
