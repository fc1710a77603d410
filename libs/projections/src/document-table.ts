import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Columns of every table that `documentProjection` writes. */
const DOCUMENT_COLUMNS = [
  'id text PRIMARY KEY',
  'state jsonb NOT NULL',
  'revision bigint NOT NULL',
  'position numeric(20, 0) NOT NULL',
  'changed_at timestamptz NOT NULL',
];

/**
 * The migration that creates the table of a document projection.
 * @param name TypeORM orders migrations by the milliseconds at its end
 * @param columns further columns, as SQL
 * @param indexed columns that get an index
 */
export const createDocumentTable = (
  name: string,
  table: string,
  columns: readonly string[] = [],
  indexed: readonly string[] = [],
): new () => MigrationInterface =>
  class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      await runner.query(`CREATE TABLE "${table}" (${[...DOCUMENT_COLUMNS, ...columns].join(', ')})`);
      for (const column of indexed) {
        await runner.query(`CREATE INDEX "${table}_${column}" ON "${table}" ("${column}")`);
      }
    }

    async down(runner: QueryRunner): Promise<void> {
      await runner.query(`DROP TABLE "${table}"`);
    }
  };
