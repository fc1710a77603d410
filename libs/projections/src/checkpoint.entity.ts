import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How far a reader has come. `epoch` grows each time another runner takes over and fences the one before. */
@Entity({ name: 'checkpoint' })
export class CheckpointRow {
  @PrimaryColumn({ type: 'text' })
  reader!: string;

  /** Log position as a decimal string; null before the first event. */
  @Column({ type: 'numeric', precision: 20, scale: 0, nullable: true })
  position!: string | null;

  @Column({ type: 'bigint', default: 0 })
  epoch!: string;
}
