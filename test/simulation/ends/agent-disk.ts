import type { EndpointReport } from '#libs/contracts';
import { type Contents, UNKNOWN } from './contents.js';

/** The agent's state folder on the source's disk: what a process finds that begins after another one died. */
export class AgentDisk {
  /** `round.json`: the round that an agent last worked on, with the report that ended it. */
  round:
    | { readonly state: 'running'; readonly roundId: string }
    | { readonly state: 'ended'; readonly roundId: string; readonly outcome: EndpointReport }
    | null = null;
  readonly #tables = new Map<string, Contents>();

  hasTables(taskId: string): boolean {
    return [...this.#tables.keys()].some((key) => key.startsWith(taskId));
  }

  /** The table of one target disk; a new one knows nothing. */
  tableOf(taskId: string, diskId: string, blocks: number): Contents {
    const key = `${taskId}/${diskId}`;
    const table = this.#tables.get(key) ?? new Int32Array(blocks).fill(UNKNOWN);
    this.#tables.set(key, table);
    return table;
  }

  /** The files were damaged, which their checksums tell. */
  loseTables(): void {
    this.#tables.clear();
  }
}
