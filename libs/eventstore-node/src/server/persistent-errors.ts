import { status } from '@grpc/grpc-js';
import type { GroupIdentity } from '../persistent-subscriptions/group-identity.js';
import { CallError } from './call-errors.js';

const trailers = (exception: string, { stream, group }: GroupIdentity): Record<string, string> => ({
  exception,
  'stream-name': stream,
  'group-name': group,
});

export const groupMissing = (identity: GroupIdentity): CallError =>
  new CallError(
    status.NOT_FOUND,
    `Subscription group ${identity.group} on stream ${identity.stream} does not exist.`,
    trailers('persistent-subscription-does-not-exist', identity),
  );

/** No group reads this stream; there is no group to name. */
export const noGroups = (stream: string): CallError =>
  new CallError(status.NOT_FOUND, `Subscription group  on stream ${stream} does not exist.`, {
    exception: 'persistent-subscription-does-not-exist',
    'stream-name': stream,
  });

export const groupExists = (identity: GroupIdentity): CallError =>
  new CallError(
    status.ALREADY_EXISTS,
    `Subscription group ${identity.group} on stream ${identity.stream} exists.`,
    trailers('persistent-subscription-exists', identity),
  );

export const groupFailed = (identity: GroupIdentity, reason: string): CallError =>
  new CallError(
    status.INTERNAL,
    `Subscription group ${identity.group} on stream ${identity.stream} failed: '${reason}'`,
    { ...trailers('persistent-subscription-failed', identity), reason },
  );

export const groupFull = (identity: GroupIdentity): CallError =>
  new CallError(
    status.FAILED_PRECONDITION,
    `Maximum subscriptions reached for subscription group ${identity.group} on stream ${identity.stream}.`,
    trailers('maximum-subscribers-reached', identity),
  );

export const subscriptionDropped = (identity: GroupIdentity): CallError =>
  new CallError(
    status.CANCELLED,
    `Subscription group ${identity.group} on stream ${identity.stream} was dropped.`,
    trailers('persistent-subscription-dropped', identity),
  );
