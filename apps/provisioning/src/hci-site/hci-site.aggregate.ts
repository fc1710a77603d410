import * as z from 'zod';
import { hciDriverName } from '#libs/contracts';
import { type Aggregate, defineCodec } from '#libs/eventsourcing';
import {
  type HciSiteCommand,
  type HciSiteEvent,
  type HciSiteState,
  hciSiteDecider,
} from './domain/hci-site.decider.js';

export const hciSites: Aggregate<HciSiteState, HciSiteCommand, HciSiteEvent> = {
  category: 'hciSite',
  producer: 'provisioning',
  decider: hciSiteDecider,
  codec: defineCodec<HciSiteEvent>({
    HciSiteRegistered: {
      stored: 'provisioning.hci-site-registered.v1',
      schema: z.object({
        siteId: z.uuid(),
        name: z.string(),
        driver: hciDriverName,
        version: z.string(),
        registeredAt: z.iso.datetime(),
      }),
    },
  }),
};
