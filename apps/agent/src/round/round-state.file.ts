import { orLaterTableFailure } from '#libs/block-transfer';
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

/** `round.json` in the state folder. What the disk refuses is an EndpointFailure, `DIGEST_TABLE_FAILED`. */
export class RoundStateFile {
  constructor(private readonly path: string) {}

  /**
   * @returns null when there was no round yet, or when the file cannot be understood: a round that is then begun
   *   once more costs time, nothing else, since its digests stand for themselves
   */
  async read(): Promise<RoundState | null> {
    const text = await orLaterTableFailure(`${this.path} cannot be read`, () => this.#textIfThere());
    if (text === null) return null;
    try {
      return roundState.parse(JSON.parse(text));
    } catch {
      return null;
    }
  }

  async write(state: RoundState): Promise<void> {
    await orLaterTableFailure(`${this.path} cannot be written`, () =>
      writeFileAtomically(this.path, JSON.stringify(state), FILE_MODE),
    );
  }

  async #textIfThere(): Promise<string | null> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }
}
