import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCheckpoint1700000000000 implements MigrationInterface {
  readonly name = 'CreateCheckpoint1700000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE checkpoint (reader text PRIMARY KEY, position numeric(20, 0), epoch bigint NOT NULL DEFAULT 0)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE checkpoint`);
  }
}
