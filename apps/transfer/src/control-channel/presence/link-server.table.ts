import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Processes that hold connections of endpoints, each for as long as it renews its row. No read model: it is not rebuilt. */
export class CreateLinkServer1700000006000 implements MigrationInterface {
  readonly name = 'CreateLinkServer1700000006000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE link_server (id uuid PRIMARY KEY, held_since timestamptz NOT NULL, expires_at timestamptz NOT NULL)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE link_server`);
  }
}
