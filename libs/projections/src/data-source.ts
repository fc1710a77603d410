import { Client } from 'pg';
import { DataSource, type EntityTarget, type MigrationInterface, type ObjectLiteral } from 'typeorm';
import { CheckpointRow } from './checkpoint.entity.js';
import { CreateCheckpoint1700000000000 } from './migrations/1700000000000-create-checkpoint.js';

export interface ReadModelStore {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** One schema per service; nobody reads another's. */
  readonly schema: string;
  readonly entities: readonly EntityTarget<ObjectLiteral>[];
  readonly migrations: readonly (new () => MigrationInterface)[];
}

/** Connections of one service: readers hold one each for their lock, the rest serve queries. */
const POOL_SIZE = 12;

/** Serialises the creation of schemas between services that start together. */
const SCHEMA_LOCK = 7_301_966;

/** Opens the schema of a service, made when it is missing, with all its migrations run. */
export const openReadModelStore = async (store: ReadModelStore): Promise<DataSource> => {
  await createSchema(store);
  const dataSource = new DataSource({
    type: 'postgres',
    url: store.url,
    schema: store.schema,
    entities: [CheckpointRow, ...store.entities] as never,
    migrations: [CreateCheckpoint1700000000000, ...store.migrations],
    migrationsTransactionMode: 'all',
    synchronize: false,
    logging: ['error'],
    poolSize: POOL_SIZE,
    applicationName: `landfall-${store.schema}`,
    extra: { options: `-c search_path=${store.schema}` },
  });
  await dataSource.initialize();
  await migrateOnce(dataSource, store.schema);
  return dataSource;
};

const createSchema = async (store: ReadModelStore): Promise<void> => {
  const client = new Client({ connectionString: store.url });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [SCHEMA_LOCK]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS "${store.schema}"`);
  } finally {
    await client.end();
  }
};

/** Replicas of a service may start at the same moment; one of them migrates. */
const migrateOnce = async (dataSource: DataSource, schema: string): Promise<void> => {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1, hashtext($2))', [1, schema]);
    await dataSource.runMigrations();
    await runner.query('SELECT pg_advisory_unlock($1, hashtext($2))', [1, schema]);
  } finally {
    await runner.release();
  }
};
