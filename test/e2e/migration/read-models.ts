import type { DataSource } from 'typeorm';
import * as z from 'zod';
import { cutovers } from '../../../apps/cutover/src/cutover/cutover.aggregate.js';
import { cutoverProjection } from '../../../apps/cutover/src/cutover/cutover.projection.js';
import { migrationTasks } from '../../../apps/planning/src/migration-task/migration-task.aggregate.js';
import { migrationTaskProjection } from '../../../apps/planning/src/migration-task/read-model/migration-task.projection.js';
import { hciSites } from '../../../apps/provisioning/src/hci-site/hci-site.aggregate.js';
import { hciSiteProjection } from '../../../apps/provisioning/src/hci-site/hci-site.projection.js';
import { targetVms } from '../../../apps/provisioning/src/target-vm/target-vm.aggregate.js';
import { targetVmProjection } from '../../../apps/provisioning/src/target-vm/target-vm.projection.js';
import { endpoints } from '../../../apps/transfer/src/endpoint/endpoint.aggregate.js';
import { endpointProjection } from '../../../apps/transfer/src/endpoint/read-model/source-machine.projection.js';
import { replicationProjection } from '../../../apps/transfer/src/replication/read-model/replication.projection.js';
import { replications } from '../../../apps/transfer/src/replication/replication.aggregate.js';
import { type Aggregate, type DomainEvent, type EventStore, load } from '#libs/eventsourcing';
import { type Projection, openReadModelStore, rebuild } from '#libs/projections';

/** What folding a stream gives, as it looks after a way through JSON. */
type Fold = (store: EventStore, id: string) => Promise<{ readonly state: unknown; readonly revision: string }>;

const foldOf =
  <State, Event extends DomainEvent>(aggregate: Aggregate<State, never, Event>): Fold =>
  async (store, id) => {
    const { state, revision } = await load(store, aggregate, id);
    return { state: JSON.parse(JSON.stringify(state)) as unknown, revision: String(revision) };
  };

type ReadModel = {
  /** Of the service that owns it. */
  readonly schema: string;
  readonly projection: Projection;
  readonly fold: Fold;
};

const READ_MODELS: readonly ReadModel[] = [
  { schema: 'planning', projection: migrationTaskProjection, fold: foldOf(migrationTasks) },
  { schema: 'provisioning', projection: hciSiteProjection, fold: foldOf(hciSites) },
  { schema: 'provisioning', projection: targetVmProjection, fold: foldOf(targetVms) },
  { schema: 'transfer', projection: endpointProjection, fold: foldOf(endpoints) },
  { schema: 'transfer', projection: replicationProjection, fold: foldOf(replications) },
  { schema: 'cutover', projection: cutoverProjection, fold: foldOf(cutovers) },
];

/** Tables that hold no read model: how far readers are, and which migrations were run. */
const BOOKKEEPING = ['checkpoint', 'migrations', 'link_server'];

const document = z.looseObject({ id: z.string(), state: z.unknown(), revision: z.string() });
export type Row = z.infer<typeof document>;

type Table = { readonly name: string; readonly rows: readonly Row[] };

/** The tables of all services, seen from outside while the services run. */
export class ReadModels {
  private constructor(private readonly schemas: ReadonlyMap<string, DataSource>) {}

  static async open(databaseUrl: string): Promise<ReadModels> {
    const schemas = new Map<string, DataSource>();
    for (const schema of new Set(READ_MODELS.map((model) => model.schema))) {
      schemas.set(schema, await openReadModelStore({ url: databaseUrl, schema, entities: [], migrations: [] }));
    }
    return new ReadModels(schemas);
  }

  /** Names such as `planning.migration_task` of the tables that a projection makes. */
  made(): readonly string[] {
    return READ_MODELS.flatMap(({ schema, projection }) =>
      projection.tables.map((table) => `${schema}.${table}`),
    ).sort();
  }

  /** Names of the tables that there are, but for bookkeeping. */
  async existing(): Promise<readonly string[]> {
    const names = await Promise.all(
      [...this.schemas].map(async ([schema, dataSource]) => {
        const rows = await dataSource.query<{ name: string }[]>(
          'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 AND table_name <> ALL($2)',
          [schema, BOOKKEEPING],
        );
        return rows.map(({ name }) => `${schema}.${name}`);
      }),
    );
    return names.flat().sort();
  }

  /** All rows in the order of their ids, table by table. */
  async tables(): Promise<readonly Table[]> {
    return this.#eachTable(async (dataSource, table) => this.#rowsOf(dataSource, table));
  }

  /** What each row's stream gives when it is folded, in the same order. */
  async folds(store: EventStore): Promise<readonly Table[]> {
    return this.#eachTable(async (dataSource, table, { fold }) => {
      const rows = await this.#rowsOf(dataSource, table);
      return Promise.all(rows.map(async ({ id }) => ({ id, ...(await fold(store, id)) })));
    });
  }

  /** Makes every row wrong and adds one that no event tells of: only a real rebuild brings the right ones back. */
  async spoil(): Promise<void> {
    await this.#eachTable(async (dataSource, table) => {
      await dataSource.query(
        `INSERT INTO "${table}" SELECT (jsonb_populate_record(known, '{"id": "invented"}')).* FROM "${table}" known LIMIT 1`,
      );
      await dataSource.query(`UPDATE "${table}" SET state = '{"spoiled": true}', revision = 0, changed_at = now()`);
      return [];
    });
  }

  /** Drops what every projection has made; the services' own readers make it again. */
  async rebuild(): Promise<void> {
    for (const { schema, projection } of READ_MODELS) await rebuild(this.#dataSource(schema), projection);
  }

  async close(): Promise<void> {
    await Promise.all([...this.schemas.values()].map((dataSource) => dataSource.destroy()));
  }

  async #eachTable(
    work: (dataSource: DataSource, table: string, model: ReadModel) => Promise<readonly Row[]>,
  ): Promise<readonly Table[]> {
    const tables: Table[] = [];
    for (const model of READ_MODELS) {
      for (const table of model.projection.tables) {
        const rows = await work(this.#dataSource(model.schema), table, model);
        tables.push({ name: `${model.schema}.${table}`, rows });
      }
    }
    return tables;
  }

  async #rowsOf(dataSource: DataSource, table: string): Promise<readonly Row[]> {
    return z.array(document).parse(await dataSource.query(`SELECT * FROM "${table}" ORDER BY id`));
  }

  #dataSource(schema: string): DataSource {
    const dataSource = this.schemas.get(schema);
    if (dataSource === undefined) throw new Error(`the schema ${schema} is not open`);
    return dataSource;
  }
}
