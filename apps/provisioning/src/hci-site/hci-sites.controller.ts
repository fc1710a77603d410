import { Controller } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReplyOf, type RequestOf, provisioningCalls } from '#libs/contracts';
import { type CommandContext, DomainError, handleCommand, uuidV5 } from '#libs/eventsourcing';
import { EventStoreDb } from '#libs/eventstore';
import { Answers } from '#libs/messaging';
import { waitForPosition } from '#libs/projections';
import { hciSites } from './hci-site.aggregate.js';
import { findHciSite, hciSiteProjection, listHciSites } from './hci-site.projection.js';

/** Namespace of site ids: a site is its name, so that registering one name twice is noticed by the store itself. */
const SITE_NAMESPACE = '6d0f6f0e-0d49-4d0c-9c1e-5a3b8f2f7a11';

@Controller()
export class HciSitesController {
  constructor(
    private readonly store: EventStoreDb,
    private readonly dataSource: DataSource,
  ) {}

  @Answers(provisioningCalls.registerHciSite)
  async register(
    { name, driver, version }: RequestOf<typeof provisioningCalls.registerHciSite>,
    context: CommandContext,
  ): Promise<ReplyOf<typeof provisioningCalls.registerHciSite>> {
    const siteId = uuidV5(SITE_NAMESPACE, name.trim().toLowerCase());
    const command = { type: 'RegisterHciSite', site: { siteId, name, driver, version } } as const;
    const { state, position } = await handleCommand(this.store, hciSites, siteId, command, context);
    await waitForPosition(this.dataSource, hciSiteProjection.name, position);
    if (state === null) throw new TypeError('A registered site has a state');
    return state;
  }

  @Answers(provisioningCalls.listHciSites)
  async list(): Promise<ReplyOf<typeof provisioningCalls.listHciSites>> {
    return { sites: await listHciSites(this.dataSource) };
  }

  @Answers(provisioningCalls.getHciSite)
  async get({
    siteId,
  }: RequestOf<typeof provisioningCalls.getHciSite>): Promise<ReplyOf<typeof provisioningCalls.getHciSite>> {
    const site = await findHciSite(this.dataSource, siteId);
    if (site !== null) return site;
    throw new DomainError('PROVISIONING.SITE_NOT_FOUND', `There is no HCI site ${siteId}.`, 'Register the site first.');
  }
}
