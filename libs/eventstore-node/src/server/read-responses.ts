import { encodeReadEvent, type EventFrame } from '../wire/event.codec.js';
import type { ResolvedEvent } from '../streams/resolve-link.js';
import { shared, streams } from './proto.js';

const { ReadResp } = streams;
type ReadRespMessage = InstanceType<typeof ReadResp>;

const encoded = (fill: (response: ReadRespMessage) => void): Buffer => {
  const response = new ReadResp();
  fill(response);
  return Buffer.from(response.serializeBinary());
};

export const eventResponse = (event: ResolvedEvent, frame: EventFrame): Buffer => encodeReadEvent(event, frame);

export const confirmationResponse = (subscriptionId: string): Buffer =>
  encoded((response) => {
    const confirmation = new ReadResp.SubscriptionConfirmation();
    confirmation.setSubscriptionId(subscriptionId);
    response.setConfirmation(confirmation);
  });

export const checkpointResponse = (position: number): Buffer =>
  encoded((response) => {
    const checkpoint = new ReadResp.Checkpoint();
    checkpoint.setCommitPosition(String(position));
    checkpoint.setPreparePosition(String(position));
    response.setCheckpoint(checkpoint);
  });

export const caughtUpResponse = (): Buffer => encoded((response) => response.setCaughtUp(new ReadResp.CaughtUp()));

export const fellBehindResponse = (): Buffer =>
  encoded((response) => response.setFellBehind(new ReadResp.FellBehind()));

export const streamNotFoundResponse = (stream: string): Buffer =>
  encoded((response) => {
    const notFound = new ReadResp.StreamNotFound();
    notFound.setStreamIdentifier(streamIdentifier(stream));
    response.setStreamNotFound(notFound);
  });

export const firstRevisionResponse = (revision: number): Buffer =>
  encoded((response) => response.setFirstStreamPosition(String(revision)));

export const lastRevisionResponse = (revision: number): Buffer =>
  encoded((response) => response.setLastStreamPosition(String(revision)));

export function streamIdentifier(stream: string): InstanceType<typeof shared.StreamIdentifier> {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  return identifier;
}
