import { endpointReport } from '#libs/contracts';
import { writeFileAtomically } from '#libs/endpoint-link';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';

const FILE_MODE = 0o600;

const roundState = z.discriminatedUnion('state', [
  z.object({ state: z.literal('running'), roundId: z.uuid() }),
  /** With the report that ended the round, for a server that did not hear it. */
  z.object({ state: z.literal('ended'), roundId: z.uuid(), outcome: endpointReport }),
]);
/** The round that this or an earlier process of the agent last worked on. */
export type RoundState = z.infer<typeof roundState>;

/** `round.json` in the state folder. */
export class RoundStateFile {
  constructor(private readonly path: string) {}

  /**
   * @returns null when there was no round yet, or when the file cannot be understood: a round that is then begun
   *   once more costs time, nothing else, since its digests stand for themselves
   */
  async read(): Promise<RoundState | null> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
    try {
      return roundState.parse(JSON.parse(text));
    } catch {
      return null;
    }
  }

  async write(state: RoundState): Promise<void> {
    await writeFileAtomically(this.path, JSON.stringify(state), FILE_MODE);
  }
}
