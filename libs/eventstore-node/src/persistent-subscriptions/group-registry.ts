import { groupKey, type GroupIdentity } from './group-identity.js';
import { settingsFault, type GroupSettings } from './group-settings.js';
import type { GroupStorage } from './group-storage.js';
import { SubscriptionGroup, type GroupSurroundings } from './subscription-group.js';

/** Groups kept, each with its timers and buffers. */
const GROUP_LIMIT = 10_000;

export type ChangeOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string };

const DONE: ChangeOutcome = { kind: 'done' };

/** All groups of the node. A change is on the disk before it is answered; changes happen one after the other. */
export class GroupRegistry {
  readonly #groups = new Map<string, SubscriptionGroup>();
  readonly #around: GroupSurroundings;
  readonly #storage: GroupStorage;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(around: GroupSurroundings) {
    this.#around = around;
    this.#storage = around.storage;
    this.#load();
  }

  find(identity: GroupIdentity): SubscriptionGroup | undefined {
    return this.#groups.get(groupKey(identity));
  }

  /** In the order they were created. */
  list(): SubscriptionGroup[] {
    return [...this.#groups.values()];
  }

  create(identity: GroupIdentity, settings: GroupSettings): Promise<ChangeOutcome> {
    return this.#change(async () => {
      if (this.find(identity) !== undefined) return { kind: 'exists' };
      const reason = settingsFault(settings);
      if (reason !== undefined) return { kind: 'failed', reason };
      if (this.#groups.size >= GROUP_LIMIT)
        return { kind: 'failed', reason: `There are ${GROUP_LIMIT} groups already.` };
      // The group is there before its configuration is written, as on the real server: at the end it begins with that.
      const end = this.#around.log.lastPosition;
      await this.#storage.writeGroups([...this.#stored(), { identity, settings }]);
      this.#start(identity, settings, end);
      return DONE;
    });
  }

  update(identity: GroupIdentity, settings: GroupSettings): Promise<ChangeOutcome> {
    return this.#change(async () => {
      const group = this.find(identity);
      if (group === undefined) return { kind: 'missing' };
      // The filter is part of what the group is; an update says nothing about it.
      const { filter } = group.settings;
      const updated = filter === undefined ? settings : { ...settings, filter };
      const reason = settingsFault(updated);
      if (reason !== undefined) return { kind: 'failed', reason };
      const end = this.#around.log.lastPosition;
      await this.#storage.writeGroups(
        this.#stored().map((stored) =>
          groupKey(stored.identity) === groupKey(identity) ? { identity, settings: updated } : stored,
        ),
      );
      group.end();
      this.#start(identity, updated, end);
      return DONE;
    });
  }

  delete(identity: GroupIdentity): Promise<ChangeOutcome> {
    return this.#change(async () => {
      const group = this.find(identity);
      if (group === undefined) return { kind: 'missing' };
      await this.#storage.writeGroups(
        this.#stored().filter((stored) => groupKey(stored.identity) !== groupKey(identity)),
      );
      group.end();
      this.#groups.delete(groupKey(identity));
      await this.#storage.forget(identity);
      return DONE;
    });
  }

  /** @param stopAt revision in the parked stream to stop at; undefined replays all */
  async replayParked(identity: GroupIdentity, stopAt: number | undefined): Promise<ChangeOutcome> {
    const group = this.find(identity);
    if (group === undefined) return { kind: 'missing' };
    const messages = await this.#storage.takeParked(identity, stopAt);
    group.replay(messages);
    return DONE;
  }

  /** Ends all groups, dropping their consumers, and starts them again from what is on the disk. */
  restart(): Promise<ChangeOutcome> {
    return this.#change(async () => {
      this.end();
      this.#load();
      return DONE;
    });
  }

  end(): void {
    for (const group of this.#groups.values()) group.end();
    this.#groups.clear();
  }

  #load(): void {
    const end = this.#around.log.lastPosition;
    for (const { identity, settings } of this.#storage.readGroups()) this.#start(identity, settings, end);
  }

  /** @param end position that a group of `$all` takes for the end, if that is where it starts */
  #start(identity: GroupIdentity, settings: GroupSettings, end: number): void {
    this.#groups.set(groupKey(identity), new SubscriptionGroup(identity, settings, end, this.#around));
  }

  #stored(): { identity: GroupIdentity; settings: GroupSettings }[] {
    return this.list().map(({ identity, settings }) => ({ identity, settings }));
  }

  #change(change: () => Promise<ChangeOutcome>): Promise<ChangeOutcome> {
    const next = this.#lastChange.then(change);
    this.#lastChange = next.catch(() => undefined);
    return next;
  }
}
