import type { HciSiteView } from '#libs/contracts';
import type { Paint } from '../terminal/paint.js';
import { momentInWords } from '../terminal/quantities-in-words.js';
import { renderTable, withoutControlCharacters } from '../terminal/table.js';

export function renderSites(sites: readonly HciSiteView[], paint: Paint): string {
  if (sites.length === 0) return 'No site is registered. Register one with: landfall sites add';
  return renderTable<HciSiteView>(
    [
      { title: 'NAME', cell: ({ name }) => withoutControlCharacters(name) },
      { title: 'ID', cell: ({ siteId }) => siteId },
      { title: 'DRIVER', cell: ({ driver }) => driver },
      { title: 'VERSION', cell: ({ version }) => withoutControlCharacters(version) },
      { title: 'REGISTERED (UTC)', cell: ({ registeredAt }) => momentInWords(registeredAt) },
    ],
    sites,
    paint,
  );
}
