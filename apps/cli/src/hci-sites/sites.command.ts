import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';
import { renderSites } from './render-sites.js';

type SiteOptions = { readonly name: string; readonly driver: string; readonly siteVersion: string };

export function addSitesCommand(program: Command, context: CommandContext): void {
  const sites = program
    .command('sites')
    .description('list the HCI sites')
    .action(async () => {
      const registered = await (await context.gateway()).sites();
      print(context, { sites: registered }, (paint) => renderSites(registered, paint));
    });
  sites
    .command('add')
    .description('register an HCI site')
    .requiredOption('--name <name>', 'what people call it')
    .option('--driver <driver>', 'how to reach it', 'local-process')
    .option('--site-version <version>', "the platform's version", '1')
    .action(async ({ name, driver, siteVersion }: SiteOptions) => {
      const site = await (await context.gateway()).registerSite({ name, driver, version: siteVersion });
      print(context, site, (paint) => renderSites([site], paint));
    });
}
