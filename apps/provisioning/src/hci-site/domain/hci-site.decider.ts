import type { HciSiteView } from '#libs/contracts';
import { type Decider, DomainError, type DomainEvent } from '#libs/eventsourcing';

export type HciSiteRegistered = DomainEvent<'HciSiteRegistered', HciSiteView>;
export type HciSiteEvent = HciSiteRegistered;
export interface HciSiteCommand {
  readonly type: 'RegisterHciSite';
  readonly site: Omit<HciSiteView, 'registeredAt'>;
}
export type HciSiteState = HciSiteView | null;

/** A site's stream is named after its name, so that two registrations of one name meet in it. */
export const hciSiteDecider: Decider<HciSiteState, HciSiteCommand, HciSiteEvent> = {
  initialState: null,
  evolve: (_state, event) => event.data,
  decide: ({ site }, state, { now }) => {
    if (state !== null) {
      throw new DomainError(
        'PROVISIONING.SITE_NAME_TAKEN',
        `A site named "${site.name}" is registered already.`,
        `Use the site ${state.siteId}, or register this one under another name.`,
      );
    }
    return [{ type: 'HciSiteRegistered', data: { ...site, registeredAt: now } }];
  },
};
