import type { SubscriptionInfo } from '@eventstore/db-client/generated/persistent_pb.js';
import type { Consumer } from '../persistent-subscriptions/consumer.js';
import type { DeliveryCounter } from '../persistent-subscriptions/delivery-counter.js';
import type { GroupStorage } from '../persistent-subscriptions/group-storage.js';
import type { SubscriptionGroup } from '../persistent-subscriptions/subscription-group.js';
import type { EventLog } from '../storage/event-log.js';
import { NO_REVISION } from '../storage/record.js';
import { persistent } from './proto.js';
import { ALL } from './stream-names.js';

/** What the real server says of the user when it asks nobody who they are. */
const USER = 'system';

/** What operators see of a group. Reading it begins a new measuring period. */
export function subscriptionInfo(
  group: SubscriptionGroup,
  log: EventLog,
  storage: GroupStorage,
  nowMs: number,
): SubscriptionInfo {
  const { identity, settings } = group;
  const status = group.status();
  const measured = group.counter.measure(nowMs);
  const info = new persistent.SubscriptionInfo();
  info.setEventSource(identity.stream);
  info.setGroupName(identity.group);
  info.setStatus('Live');
  info.setConnectionsList(group.consumers.map((consumer) => connectionInfo(consumer, settings.extraStatistics, nowMs)));
  info.setAveragePerSecond(measured.perSecond);
  info.setTotalItems(String(group.counter.total));
  info.setCountSinceLastMeasurement(String(measured.count));
  info.setLastCheckpointedEventPosition(placeText(identity.stream, status.checkpointed));
  info.setLastKnownEventPosition(placeText(identity.stream, lastKnown(log, identity.stream)));
  info.setResolveLinkTos(settings.resolveLinks);
  info.setStartFrom(startText(identity.stream, settings.startFrom));
  info.setMessageTimeoutMilliseconds(settings.messageTimeoutMs);
  info.setExtraStatistics(settings.extraStatistics);
  info.setMaxRetryCount(settings.maxRetryCount);
  info.setLiveBufferSize(settings.liveBufferSize);
  info.setBufferSize(settings.historyBufferSize);
  info.setReadBatchSize(settings.readBatchSize);
  info.setCheckPointAfterMilliseconds(settings.checkpointAfterMs);
  info.setMinCheckPointCount(settings.minCheckpointCount);
  info.setMaxCheckPointCount(settings.maxCheckpointCount);
  info.setReadBufferCount(status.readAhead);
  info.setLiveBufferCount('0');
  info.setRetryBufferCount(status.again);
  info.setTotalInFlightMessages(status.inFlight);
  info.setOutstandingMessagesCount(status.outstanding);
  info.setNamedConsumerStrategy(settings.consumerStrategy);
  info.setMaxSubscriberCount(settings.maxSubscriberCount);
  info.setParkedMessageCount(String(storage.parkedCount(identity)));
  return info;
}

function connectionInfo(consumer: Consumer, extra: boolean, nowMs: number): SubscriptionInfo.ConnectionInfo {
  const measured = consumer.counter.measure(nowMs);
  const info = new persistent.SubscriptionInfo.ConnectionInfo();
  info.setUsername(USER);
  info.setAverageItemsPerSecond(measured.perSecond);
  info.setTotalItems(String(consumer.counter.total));
  info.setCountSinceLastMeasurement(String(measured.count));
  info.setAvailableSlots(Math.max(0, consumer.slots - consumer.inFlight.size));
  info.setInFlightMessages(consumer.inFlight.size);
  info.setConnectionName(consumer.call.connectionName);
  if (extra) info.setObservedMeasurementsList(measurements(consumer.counter));
  return info;
}

const measurements = (counter: DeliveryCounter): SubscriptionInfo.Measurement[] =>
  counter.latencies().map(({ name, valueMs }) => {
    const measurement = new persistent.SubscriptionInfo.Measurement();
    measurement.setKey(name);
    measurement.setValue(String(valueMs));
    return measurement;
  });

function lastKnown(log: EventLog, stream: string): number | undefined {
  if (stream === ALL) return log.lastPosition;
  const { last } = log.states.of(stream);
  return last === NO_REVISION ? undefined : last;
}

function placeText(stream: string, place: number | undefined): string {
  if (place === undefined) return '';
  return stream === ALL ? `C:${place}/P:${place}` : String(place);
}

function startText(stream: string, startFrom: 'start' | 'end' | number): string {
  const place = startFrom === 'start' ? 0 : startFrom === 'end' ? -1 : startFrom;
  return placeText(stream, place);
}
