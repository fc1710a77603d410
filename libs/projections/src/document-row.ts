import { Column, PrimaryColumn } from 'typeorm';

/** Columns that every read model made by `documentProjection` has. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- each entity names the state it holds
export abstract class DocumentRow<State> {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'jsonb' })
  state!: State;

  @Column({ type: 'bigint' })
  revision!: string;

  @Column({ type: 'numeric', precision: 20, scale: 0 })
  position!: string;

  @Column({ name: 'changed_at', type: 'timestamptz' })
  changedAt!: Date;
}
