import type { EndpointReport, MachineInventory } from '#libs/contracts';
import { pause, type Scheduler } from '#libs/endpoint-link';
import { isInventoryDue } from './inventory-change.decision.js';

/** How often the machine is looked at for changes. */
export const INVENTORY_CHECK_INTERVAL_MS = 60_000;

export interface InventoryReporterPorts {
  readonly collectInventory: () => Promise<MachineInventory>;
  readonly report: (report: EndpointReport) => Promise<unknown>;
  readonly scheduler: Scheduler;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/** Keeps the server's picture of the machine fresh. */
export class InventoryReporter {
  readonly #ports: InventoryReporterPorts;
  #reported: { inventory: MachineInventory; atMs: number } | null = null;
  /** While one report waits for the server, newer inventories are not queued behind it. */
  #underWay = false;

  constructor(ports: InventoryReporterPorts) {
    this.#ports = ports;
  }

  /** Collects now, and again until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.collect();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#ports.log('warn', `The inventory could not be taken: ${message}`);
      }
      await pause(this.#ports.scheduler, INVENTORY_CHECK_INTERVAL_MS, signal);
    }
  }

  /** Takes the inventory, and reports it when the server should hear of it. Rejects when it cannot be taken. */
  async collect(): Promise<MachineInventory> {
    const inventory = await this.#ports.collectInventory();
    const atMs = this.#ports.scheduler.nowMs();
    if (!this.#underWay && isInventoryDue(this.#reported, inventory, atMs)) {
      this.#underWay = true;
      void this.#report(inventory, atMs);
    }
    return inventory;
  }

  async #report(inventory: MachineInventory, atMs: number): Promise<void> {
    try {
      await this.#ports.report({ kind: 'inventory', inventory });
      this.#reported = { inventory, atMs };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#ports.log('warn', `The inventory was not reported: ${message}`);
    } finally {
      this.#underWay = false;
    }
  }
}
