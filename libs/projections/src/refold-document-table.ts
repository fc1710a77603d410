import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The migration of a document table whose documents have a new shape, or whose columns have: it empties the table and
 * forgets how far its reader had come, so that every document is folded anew from the events.
 * @param name TypeORM orders migrations by the milliseconds at its end
 * @param reader name of the table's projection
 * @param columns further columns, as SQL
 * @param indexed those of them that get an index
 */
export const refoldDocumentTable = (
  name: string,
  table: string,
  reader: string,
  columns: readonly string[] = [],
  indexed: readonly string[] = [],
): new () => MigrationInterface =>
  class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      await forget(runner, table, reader);
      for (const column of columns) await runner.query(`ALTER TABLE "${table}" ADD COLUMN ${column}`);
      for (const column of indexed) await runner.query(`CREATE INDEX "${table}_${column}" ON "${table}" ("${column}")`);
    }

    async down(runner: QueryRunner): Promise<void> {
      await forget(runner, table, reader);
      for (const column of columns) {
        await runner.query(`ALTER TABLE "${table}" DROP COLUMN ${String(column.split(' ')[0])}`);
      }
    }
  };

/** The table first, then the checkpoint, as a reader does it: the other way round they would wait for each other. */
const forget = async (runner: QueryRunner, table: string, reader: string): Promise<void> => {
  await runner.query(`TRUNCATE TABLE "${table}"`);
  await runner.query('UPDATE checkpoint SET position = NULL, epoch = epoch + 1 WHERE reader = $1', [reader]);
};
