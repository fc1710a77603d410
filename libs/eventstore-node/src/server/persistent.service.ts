import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type {
  CreateReq,
  DeleteReq,
  GetInfoReq,
  ListReq,
  ReplayParkedReq,
  UpdateReq,
} from '@eventstore/db-client/generated/persistent_pb.js';
import type { GroupIdentity } from '../persistent-subscriptions/group-identity.js';
import type { ChangeOutcome, GroupRegistry } from '../persistent-subscriptions/group-registry.js';
import type { GroupStorage } from '../persistent-subscriptions/group-storage.js';
import type { EventLog } from '../storage/event-log.js';
import { asCallError, invalidArgument } from './call-errors.js';
import type { GrpcService } from './grpc-server.js';
import type { OpenCalls } from './open-calls.js';
import { groupExists, groupFailed, groupMissing, noGroups } from './persistent-errors.js';
import { subscriptionInfo } from './persistent-info.js';
import { persistentReadHandler } from './persistent-read.handler.js';
import { identityOf, parseCreate, parseUpdate } from './persistent-requests.js';
import { persistent, persistentGrpc, shared } from './proto.js';
import { ALL, streamNameOf } from './stream-names.js';

export interface PersistentParts {
  readonly log: EventLog;
  readonly groups: GroupRegistry;
  readonly storage: GroupStorage;
  readonly calls: OpenCalls;
  readonly now: () => number;
}

/** The PersistentSubscriptions service. */
export function persistentService(parts: PersistentParts): GrpcService {
  const { log, groups, storage, now } = parts;
  const asIs = (message: Buffer): Buffer => message;
  const generated = persistentGrpc.PersistentSubscriptionsService;
  return {
    definition: { ...generated, read: { ...generated.read, responseSerialize: asIs } },
    handlers: {
      read: persistentReadHandler(groups, parts.calls),
      create: unary(async (request: CreateReq) => {
        const { identity, settings } = parseCreate(request, log.lastPosition);
        refuseUnlessDone(await groups.create(identity, settings), identity);
        return new persistent.CreateResp();
      }),
      update: unary(async (request: UpdateReq) => {
        const { identity, settings } = parseUpdate(request, log.lastPosition);
        refuseUnlessDone(await groups.update(identity, settings), identity);
        return new persistent.UpdateResp();
      }),
      delete: unary(async (request: DeleteReq) => {
        const identity = identityOf(request.getOptions());
        refuseUnlessDone(await groups.delete(identity), identity);
        return new persistent.DeleteResp();
      }),
      getInfo: unary(async (request: GetInfoReq) => {
        const identity = identityOf(request.getOptions());
        const group = groups.find(identity);
        if (group === undefined) throw groupMissing(identity);
        const response = new persistent.GetInfoResp();
        response.setSubscriptionInfo(subscriptionInfo(group, log, storage, now()));
        return response;
      }),
      list: unary(async (request: ListReq) => {
        const response = new persistent.ListResp();
        response.setSubscriptionsList(
          listed(parts, request).map((group) => subscriptionInfo(group, log, storage, now())),
        );
        return response;
      }),
      replayParked: unary(async (request: ReplayParkedReq) => {
        const options = request.getOptions();
        const identity = identityOf(options);
        const stopAt = options?.hasStopAt() ? Number(options.getStopAt()) : undefined;
        if (stopAt !== undefined && stopAt < 0) throw invalidArgument('The revision to stop at is negative.');
        refuseUnlessDone(await groups.replayParked(identity, stopAt), identity);
        return new persistent.ReplayParkedResp();
      }),
      restartSubsystem: unary(async () => {
        await groups.restart();
        return new shared.Empty();
      }),
    },
  };
}

function listed({ groups }: PersistentParts, request: ListReq): ReturnType<GroupRegistry['list']> {
  const options = request.getOptions();
  if (options?.hasListAllSubscriptions()) return groups.list();
  const source = options?.getListForStream();
  if (source === undefined) throw invalidArgument('The request does not say what to list.');
  const stream = source.hasAll() ? ALL : streamNameOf(source.getStream());
  const found = groups.list().filter((group) => group.identity.stream === stream);
  if (found.length === 0) throw noGroups(stream);
  return found;
}

function refuseUnlessDone(outcome: ChangeOutcome, identity: GroupIdentity): void {
  switch (outcome.kind) {
    case 'done':
      return;
    case 'exists':
      throw groupExists(identity);
    case 'missing':
      throw groupMissing(identity);
    case 'failed':
      throw groupFailed(identity, outcome.reason);
  }
}

const unary =
  <Request, Response>(handle: (request: Request) => Promise<Response>) =>
  (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
    handle(call.request)
      .then((response) => answer(null, response))
      .catch((error: unknown) => answer(asCallError(error)));
  };
