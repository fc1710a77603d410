import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Only root may look: the folder holds the credential. */
const STATE_FOLDER_MODE = 0o700;

/** The agent's state folder and the names in it. */
export interface AgentState {
  readonly folder: string;
  readonly credentialPath: string;
  /** Which machine the credential is of. */
  readonly machinePath: string;
  readonly roundPath: string;
  readonly digestsFolder: string;
}

export async function openAgentState(folder: string): Promise<AgentState> {
  await mkdir(folder, { recursive: true, mode: STATE_FOLDER_MODE });
  await mkdir(join(folder, 'digests'), { recursive: true, mode: STATE_FOLDER_MODE });
  return {
    folder,
    credentialPath: join(folder, 'credential.json'),
    machinePath: join(folder, 'machine.json'),
    roundPath: join(folder, 'round.json'),
    digestsFolder: join(folder, 'digests'),
  };
}
