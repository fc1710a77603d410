import type { Command } from 'commander';
import { type CommandContext, print } from '../command-context.js';
import { renderSourceMachine, renderSourceMachines } from './render-source-machines.js';

export function addSourceMachinesCommand(program: Command, context: CommandContext): void {
  program
    .command('source-machines')
    .description('list the machines with an agent, or show one with its disks')
    .argument('[id]', 'a source machine')
    .action(async (id: string | undefined) => {
      const gateway = await context.gateway();
      if (id === undefined) {
        const machines = await gateway.sourceMachines();
        print(context, { sourceMachines: machines }, (paint) => renderSourceMachines(machines, paint));
      } else {
        const machine = await gateway.sourceMachine(id);
        print(context, machine, (paint) => renderSourceMachine(machine, paint));
      }
    });
}
