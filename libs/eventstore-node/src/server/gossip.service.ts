import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import { halvesOfUuid } from '../wire/uuid.codec.js';
import { gossip, shared } from './proto.js';

const TICKS_PER_MS = 10_000n;

/** Gossip.Read: a cluster of one, which is always the leader. `port` answers where it listens. */
export const gossipRead =
  (instanceId: string, port: () => number, now: () => number) =>
  (_call: ServerUnaryCall<unknown, ClusterInfo>, answer: sendUnaryData<ClusterInfo>): void => {
    const { most, least } = halvesOfUuid(instanceId);
    const halves = new shared.UUID.Structured();
    halves.setMostSignificantBits(String(most));
    halves.setLeastSignificantBits(String(least));
    const id = new shared.UUID();
    id.setStructured(halves);
    const endPoint = new gossip.EndPoint();
    endPoint.setAddress('127.0.0.1');
    endPoint.setPort(port());
    const member = new gossip.MemberInfo();
    member.setInstanceId(id);
    member.setTimeStamp(String(BigInt(now()) * TICKS_PER_MS));
    member.setState(gossip.MemberInfo.VNodeState.LEADER);
    member.setIsAlive(true);
    member.setHttpEndPoint(endPoint);
    const info = new gossip.ClusterInfo();
    info.addMembers(member);
    answer(null, info);
  };
