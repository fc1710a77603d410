import type {
  CreateReq,
  DeleteReq,
  GetInfoReq,
  ReadReq,
  ReplayParkedReq,
  UpdateReq,
} from '@eventstore/db-client/generated/persistent_pb.js';
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type { GroupIdentity } from '../persistent-subscriptions/group-identity.js';
import { CONSUMER_STRATEGIES, type GroupSettings } from '../persistent-subscriptions/group-settings.js';
import type { EventFilterRequest } from '../streams/event-filter.js';
import { eventFilter } from '../streams/event-filter.js';
import { parseRevision, UINT64_MAX } from '../wire/revision.codec.js';
import { parseUuid, uuidFromHalves } from '../wire/uuid.codec.js';
import { invalidArgument } from './call-errors.js';
import { parseAllPosition } from './read-request.js';
import { ALL, checkStreamName, streamNameOf } from './stream-names.js';

const TICKS_PER_MS = 10_000;

type IdentifiedOptions = DeleteReq.Options | GetInfoReq.Options | ReplayParkedReq.Options | ReadReq.Options;
type Settings = CreateReq.Settings | UpdateReq.Settings;

/** The group an options message names, by stream or by `$all`. */
export function identityOf(options: IdentifiedOptions | undefined): GroupIdentity {
  if (options === undefined) throw invalidArgument('The request has no options.');
  if (options.hasAll()) return { stream: ALL, group: options.getGroupName() };
  const stream = streamNameOf(options.getStreamIdentifier());
  checkStreamName(stream);
  return { stream, group: options.getGroupName() };
}

export interface GroupChange {
  readonly identity: GroupIdentity;
  readonly settings: GroupSettings;
}

/** @throws CallError or BadFilterError */
export function parseCreate(request: CreateReq, lastPosition: number): GroupChange {
  const options = request.getOptions();
  const settings = options?.getSettings();
  if (options === undefined || settings === undefined) throw invalidArgument('The request has no options or settings.');
  const { stream, startFrom } = parseSource(options, settings, lastPosition);
  const filter = parseFilter(options.getAll());
  const strategy = settings.getConsumerStrategy();
  return {
    identity: { stream, group: options.getGroupName() },
    settings: {
      ...parseSettings(settings, startFrom),
      ...(strategy !== '' && { consumerStrategy: strategy }),
      ...(filter !== undefined && { filter }),
    },
  };
}

export function parseUpdate(request: UpdateReq, lastPosition: number): GroupChange {
  const options = request.getOptions();
  const settings = options?.getSettings();
  if (options === undefined || settings === undefined) throw invalidArgument('The request has no options or settings.');
  const { stream, startFrom } = parseSource(options, settings, lastPosition);
  return {
    identity: { stream, group: options.getGroupName() },
    settings: parseSettings(settings, startFrom),
  };
}

function parseSource(
  options: CreateReq.Options | UpdateReq.Options,
  settings: Settings,
  lastPosition: number,
): { stream: string; startFrom: GroupSettings['startFrom'] } {
  const all = options.getAll();
  if (all !== undefined) {
    if (all.hasEnd()) return { stream: ALL, startFrom: 'end' };
    const position = all.getPosition();
    if (position === undefined) return { stream: ALL, startFrom: 'start' };
    return {
      stream: ALL,
      startFrom: parseAllPosition(position.getCommitPosition(), position.getPreparePosition(), lastPosition),
    };
  }
  // Older clients name the stream and where to start in fields that newer ones no longer use.
  const byStream = options.getStream();
  const stream = streamNameOf(byStream?.getStreamIdentifier() ?? options.getStreamIdentifier());
  checkStreamName(stream);
  if (stream === ALL) throw invalidArgument("A group of '$all' is asked for as such, not as a stream.");
  if (byStream?.hasEnd()) return { stream, startFrom: 'end' };
  if (byStream?.hasStart()) return { stream, startFrom: 'start' };
  const revision = byStream?.hasRevision() ? byStream.getRevision() : settings.getRevision();
  if (BigInt(revision) === UINT64_MAX) return { stream, startFrom: 'end' };
  const startFrom = parseRevision(revision);
  if (startFrom === undefined) throw invalidArgument(`No stream has the revision ${revision}.`);
  return { stream, startFrom };
}

function parseSettings(settings: Settings, startFrom: GroupSettings['startFrom']): GroupSettings {
  return {
    resolveLinks: settings.getResolveLinks(),
    startFrom,
    extraStatistics: settings.getExtraStatistics(),
    messageTimeoutMs: settings.hasMessageTimeoutTicks()
      ? Number(settings.getMessageTimeoutTicks()) / TICKS_PER_MS
      : settings.getMessageTimeoutMs(),
    maxRetryCount: settings.getMaxRetryCount(),
    checkpointAfterMs: settings.hasCheckpointAfterTicks()
      ? Number(settings.getCheckpointAfterTicks()) / TICKS_PER_MS
      : settings.getCheckpointAfterMs(),
    minCheckpointCount: settings.getMinCheckpointCount(),
    maxCheckpointCount: settings.getMaxCheckpointCount(),
    maxSubscriberCount: settings.getMaxSubscriberCount(),
    liveBufferSize: settings.getLiveBufferSize(),
    historyBufferSize: settings.getHistoryBufferSize(),
    readBatchSize: settings.getReadBatchSize(),
    consumerStrategy: strategyName(settings.getNamedConsumerStrategy()),
  };
}

/** The enumeration of older clients lists the strategies in this order; what it does not know is named as it is. */
const strategyName = (value: number): string => CONSUMER_STRATEGIES[value] ?? String(value);

function parseFilter(all: CreateReq.AllOptions | undefined): EventFilterRequest | undefined {
  const filter = all?.getFilter();
  if (filter === undefined) return undefined;
  const onStream = filter.getStreamIdentifier();
  const expression = onStream ?? filter.getEventType();
  if (expression === undefined) throw invalidArgument('The filter looks at neither stream names nor event types.');
  const request: EventFilterRequest = {
    on: onStream === undefined ? 'type' : 'stream',
    regex: expression.getRegex(),
    prefixes: expression.getPrefixList(),
  };
  // Refused now rather than when the group starts.
  eventFilter(request);
  return request;
}

/** Ids of acknowledged messages. @throws CallError when one is no UUID */
export function parseIds(ids: readonly UUID[]): string[] {
  return ids.map((id) => {
    const halves = id.getStructured();
    const canonical = id.hasString()
      ? parseUuid(id.getString())
      : halves && uuidFromHalves(BigInt(halves.getMostSignificantBits()), BigInt(halves.getLeastSignificantBits()));
    if (canonical === undefined) throw invalidArgument('An id is missing or no UUID.');
    return canonical;
  });
}
