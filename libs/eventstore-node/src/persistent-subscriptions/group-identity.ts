/** A group is named by the stream it reads (or `$all`) and its own name. */
export interface GroupIdentity {
  readonly stream: string;
  readonly group: string;
}

export const CONFIGURATION_STREAM = '$persistentSubscriptionConfig';

/** Everything the groups of `$all` write lies below this prefix; they do not deliver it to themselves. */
export const GROUPS_OF_ALL_PREFIX = '$persistentsubscription-$all::';

/** Also what consumers get as the id of their subscription. */
export const subscriptionIdOf = ({ stream, group }: GroupIdentity): string => `${stream}::${group}`;

export const checkpointStreamOf = (identity: GroupIdentity): string =>
  `$persistentsubscription-${subscriptionIdOf(identity)}-checkpoint`;

export const parkedStreamOf = (identity: GroupIdentity): string =>
  `$persistentsubscription-${subscriptionIdOf(identity)}-parked`;

/** Unambiguous, unlike the subscription id: names may hold `::` themselves. */
export const groupKey = ({ stream, group }: GroupIdentity): string => JSON.stringify([stream, group]);
