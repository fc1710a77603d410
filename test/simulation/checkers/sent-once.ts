import { acknowledgedRangesCodec } from '../../../apps/transfer/src/acknowledged-ranges/acknowledged-ranges.js';
import { BLOCK_BYTES, type Content } from '../ends/contents.js';
import type { MakeChecker } from './checker.js';

/**
 * No acknowledged block is sent again in its round, unless a later attempt of a final one found it changed; and what is
 * recorded as acknowledged was.
 */
export const sentOnce: MakeChecker = ({ report }) => {
  const acknowledged = new Map<string, Content>();
  const damaged = new Set<string>();
  const keyOf = (roundId: string, diskId: string, block: number): string => `${roundId}/${diskId}/${block}`;
  return {
    name: 'sent-once',
    observed: (seen) => {
      // What changed of itself may have to be sent again.
      if (seen.kind === 'block-damaged') {
        for (const key of acknowledged.keys()) if (key.endsWith(`/${seen.diskId}/${seen.block}`)) damaged.add(key);
      }
      if (seen.kind !== 'block-sent' && seen.kind !== 'block-acknowledged') return;
      const { roundId, roundKind, attempt, diskId, block, content } = seen;
      const key = keyOf(roundId, diskId, block);
      const earlier = acknowledged.get(key);
      if (seen.kind === 'block-acknowledged') {
        acknowledged.set(key, content);
        damaged.delete(key);
      } else if (earlier !== undefined && !damaged.has(key) && (roundKind !== 'final' || earlier === content)) {
        report(`Attempt ${attempt} of a ${roundKind} round sends block ${block} of ${diskId}, acknowledged before`);
      }
    },
    recorded: ({ persisted, category }) => {
      if (category !== 'acknowledgedRanges') return;
      const event = acknowledgedRangesCodec.decode(persisted);
      if (event === null) return;
      const { roundId, diskId, ranges } = event.data;
      for (const { offsetBytes } of ranges) {
        const block = offsetBytes / BLOCK_BYTES;
        if (!acknowledged.has(keyOf(roundId, diskId, block))) {
          report(`Block ${block} of ${diskId} is recorded as acknowledged, and was not`);
        }
      }
    },
  };
};
