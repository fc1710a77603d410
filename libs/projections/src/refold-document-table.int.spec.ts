import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { createDatabase } from '#libs/local-stack';
import { openReadModelStore } from './data-source.js';
import { createDocumentTable } from './document-table.js';
import { refoldDocumentTable } from './refold-document-table.js';

const READER = 'box-projection';
const Create = createDocumentTable('CreateBox1700000000001', 'box', ['name text']);
const Refold = refoldDocumentTable('RefoldBox1700000000002', 'box', READER, ['lid text NOT NULL'], ['lid']);

it('a table whose documents change their shape is emptied, and its reader begins again, fenced from the one before', async () => {
  const url = await createDatabase(inject('databaseUrl'), `refolded_${randomUUID().replaceAll('-', '')}`);
  const open = (migrations: readonly (typeof Create)[]) =>
    openReadModelStore({ url, schema: 'spec', entities: [], migrations });
  const before = await open([Create]);
  await before.query(`INSERT INTO box VALUES ('a', '{}', 1, 1, now(), 'x')`);
  await before.query(`INSERT INTO checkpoint (reader, position, epoch) VALUES ($1, 7, 3), ('other', 8, 1)`, [READER]);
  await before.destroy();

  const after = await open([Create, Refold]);
  expect(await after.query('SELECT * FROM box')).toEqual([]);
  expect(await after.query('SELECT reader, position, epoch FROM checkpoint ORDER BY reader')).toMatchObject([
    { reader: READER, position: null, epoch: '4' },
    { reader: 'other', position: '8', epoch: '1' },
  ]);
  await after.query(`INSERT INTO box VALUES ('a', '{}', 1, 1, now(), 'x', 'round')`);
  await after.undoLastMigration();
  const columns = await after.query<{ column_name: string }[]>(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = 'spec' AND table_name = 'box'`,
  );
  expect(columns.map(({ column_name }) => column_name)).not.toContain('lid');
  await after.destroy();
});
