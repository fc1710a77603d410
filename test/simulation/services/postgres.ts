import type { DataSource } from 'typeorm';

/** Further than any log of a run. */
const FAR_AHEAD = '999999999999';

/** What a class of the product asks Postgres for, beside the checkpoints that it waits for. */
export interface Answers {
  /** Rows of the one table that it lists. */
  readonly find?: (question: { readonly where: unknown }) => readonly unknown[];
  /** Rows of the one statement that it runs. */
  readonly query?: (parameters: readonly unknown[]) => readonly unknown[];
}

const nothing = (): readonly unknown[] => [];

/**
 * As much of Postgres as a class of the product touches: every projection has applied what it waits for, its one list
 * or statement is answered from the simulation's read models, and nothing is looked up for answers that nobody reads.
 */
export const postgresThatIsAhead = ({ find = nothing, query = nothing }: Answers = {}): DataSource =>
  ({
    manager: { query: async () => [{ position: FAR_AHEAD }] },
    query: async (_statement: string, parameters: readonly unknown[]) => query(parameters),
    getRepository: () => ({
      findOneBy: async () => null,
      find: async (question: { readonly where: unknown }) => find(question),
    }),
  }) as unknown as DataSource;
