import type { StackFolder } from './stack-folder.js';

/** What every server needs to be started. */
export type ServerContext = {
  readonly folder: StackFolder;
  /** The variable PATH. */
  readonly path: string;
  /** Absolute path of setpriv. */
  readonly setpriv: string;
  /** The data is thrown away afterwards, so it need not survive a power cut. */
  readonly isDisposable: boolean;
  /** A server ended without having been asked to. */
  readonly onLost: (name: string) => void;
  /** Tells a person what is worth knowing. */
  readonly report: (line: string) => void;
};

export type StartedServer = {
  readonly url: string;
  readonly stop: () => Promise<void>;
};
