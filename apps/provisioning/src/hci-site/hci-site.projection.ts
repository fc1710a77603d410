import { type DataSource, Entity } from 'typeorm';
import type { HciSiteView } from '#libs/contracts';
import { createDocumentTable, DocumentRow, documentProjection } from '#libs/projections';
import { hciSites } from './hci-site.aggregate.js';

@Entity({ name: 'hci_site' })
export class HciSiteRow extends DocumentRow<HciSiteView> {}

export const createHciSite = createDocumentTable('CreateHciSite1700000001000', 'hci_site');

export const hciSiteProjection = documentProjection({
  name: 'hci-site-projection',
  table: 'hci_site',
  aggregate: hciSites,
  columns: () => ({}),
});

export const listHciSites = async (dataSource: DataSource): Promise<HciSiteView[]> =>
  (await dataSource.getRepository(HciSiteRow).find())
    .map(({ state }) => state)
    .sort((left, right) => left.name.localeCompare(right.name));

export const findHciSite = async (dataSource: DataSource, siteId: string): Promise<HciSiteView | null> =>
  (await dataSource.getRepository(HciSiteRow).findOneBy({ id: siteId }))?.state ?? null;
