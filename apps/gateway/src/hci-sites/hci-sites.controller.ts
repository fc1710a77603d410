import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type * as z from 'zod';
import { type HciSiteView, provisioningCalls } from '#libs/contracts';
import { type CallOrigin, ServiceBus } from '#libs/messaging';
import { API_ROOT } from '../api-root.js';
import { Gives, Order, Question } from '../openapi/answers.decorator.js';
import { hciSiteExample } from '../openapi/examples.js';
import { Origin } from '../requests/origin.decorator.js';
import { HciSiteOrder } from './hci-site-order.dto.js';
import { HciSitePath } from './hci-site-path.dto.js';

@Controller(`${API_ROOT}/hci-sites`)
@ApiTags('HCI sites')
export class HciSitesController {
  constructor(private readonly bus: ServiceBus) {}

  @Post()
  @Order('Register a platform on which target VMs are made', ['PROVISIONING.SITE_NAME_TAKEN'])
  @Gives(201, 'HciSite', 'The site.', hciSiteExample, {
    Location: { description: 'Path of the site.', schema: { type: 'string' } },
  })
  async registerHciSite(
    @Body() { name, driver, version }: HciSiteOrder,
    @Origin() origin: CallOrigin,
    @Res({ passthrough: true }) response: Response,
  ): Promise<HciSiteView> {
    const site = await this.bus.call(provisioningCalls.registerHciSite, { name, driver, version }, origin);
    response.location(`/${API_ROOT}/hci-sites/${site.siteId}`);
    return site;
  }

  @Get()
  @Question('List the sites')
  @Gives(200, 'HciSiteList', 'All of them.', { sites: [hciSiteExample] })
  async listHciSites(@Origin() origin: CallOrigin): Promise<z.output<typeof provisioningCalls.listHciSites.reply>> {
    return this.bus.call(provisioningCalls.listHciSites, {}, origin);
  }

  @Get(':siteId')
  @Question('Read a site', ['REQUEST.INVALID', 'PROVISIONING.SITE_NOT_FOUND'])
  @Gives(200, 'HciSite', 'The site.', hciSiteExample)
  async getHciSite(@Param() { siteId }: HciSitePath, @Origin() origin: CallOrigin): Promise<HciSiteView> {
    return this.bus.call(provisioningCalls.getHciSite, { siteId }, origin);
  }
}
