import { DomainError } from '#libs/eventsourcing';
import type { OpenDoor } from '../services/transfer.js';
import type { Lifetime } from '../world/lifetime.js';
import { CONTROL_SILENCE_MS, type Path } from '../world/network.js';
import { SECOND } from '../world/simulated-clock.js';
import type { Credential, Dialled } from './control-link.js';

/** How long an end waits for the server to come to the door. */
const DOOR_LIMIT_MS = 10 * SECOND;

/** Where ends find the server: its newest process that is alive. */
export type Door = () => OpenDoor | null;

class NobodyCame extends Error {}

/** Waits for an answer, at most ten seconds; whoever dies over it never answers. */
const within = async <T>(life: Lifetime, answer: Promise<T>): Promise<T> =>
  life.hear(
    Promise.race([
      answer,
      life.sleep(DOOR_LIMIT_MS).then((): never => {
        throw new NobodyCame();
      }),
    ]),
  );

const knock = async (path: Path, door: Door, life: Lifetime): Promise<OpenDoor | null> => {
  try {
    await within(life, new Promise<void>((resolve) => path.onceUp(() => life.after(path.latencyMs(), resolve))));
    return door();
  } catch (error) {
    if (error instanceof NobodyCame) return null;
    throw error;
  }
};

/** Dials the server's control channel. */
export const dial = async (path: Path, door: Door, credential: Credential, life: Lifetime): Promise<Dialled> => {
  const opened = await knock(path, door, life);
  if (opened === null) return { kind: 'failed' };
  const identity = await within(life, opened.enroller.authenticate(credential)).catch(() => 'unknown' as const);
  if (identity === null) return { kind: 'refused' };
  if (identity === 'unknown' || !path.isUp || door() !== opened) return { kind: 'failed' };
  const connection = path.open(CONTROL_SILENCE_MS);
  opened.channel.serve(identity, connection);
  return { kind: 'open', connection };
};

/** Asks for a credential. @returns null: not now; 'refused': the token is good for nothing */
export const enrol = async (
  path: Path,
  door: Door,
  request: { readonly token: string; readonly name: string },
  life: Lifetime,
): Promise<Credential | 'refused' | null> => {
  const opened = await knock(path, door, life);
  if (opened === null) return null;
  try {
    const credential = await within(life, opened.enroller.enrol(request.token, request.name));
    // An answer that finds no way back is asked for again.
    return path.isUp ? credential : null;
  } catch (error) {
    return error instanceof DomainError ? 'refused' : null;
  }
};
