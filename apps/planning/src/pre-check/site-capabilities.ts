import { createsTargets, disksPerVm, parseHciVersion } from './hci-version.js';

/** What a site can do, as far as the pre-checks ask. */
export interface SiteCapabilities {
  /** The target VM can be created and booted through the site's interface. */
  readonly automaticTarget: boolean;
  /** Disks per VM. */
  readonly maxDisks: number;
}

/** An inventory holds no more disks than this, so a site without a limit of its own has this one. */
const DISKS_OF_AN_INVENTORY_MAX = 256;
/** For what is not known: the manual path, and the fewest disks any version takes. */
const UNKNOWN_SITE: SiteCapabilities = { automaticTarget: false, maxDisks: 16 };

/** The capabilities of a site by its driver and version. An unknown driver or version fails closed. */
export function capabilitiesOf(site: { readonly driver: string; readonly version: string }): SiteCapabilities {
  switch (site.driver) {
    case 'local-process':
      return { automaticTarget: true, maxDisks: DISKS_OF_AN_INVENTORY_MAX };
    case 'sangfor-scp':
      return hciCapabilities(site.version);
    case 'manual':
      return { ...hciCapabilities(site.version), automaticTarget: false };
    default:
      return UNKNOWN_SITE;
  }
}

function hciCapabilities(version: string): SiteCapabilities {
  const parsed = parseHciVersion(version);
  if (parsed === null) return UNKNOWN_SITE;
  return { automaticTarget: createsTargets(parsed), maxDisks: disksPerVm(parsed) };
}
