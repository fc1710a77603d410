/** How the program ends; people and scripts may rely on these numbers. */
export const EXIT_CODES = {
  done: 0,
  /** A defect, ours or the server's: an answer that is not what was agreed, or anything unforeseen. */
  defect: 1,
  /** The command line is wrong; nothing was asked of the server. */
  usage: 2,
  /** The server refused: the code and the remedy are on standard error. */
  refused: 3,
  /** The server cannot be reached, or cannot answer now: worth another try. */
  unavailable: 4,
  /** No key, or a key that the server does not take. */
  notAuthenticated: 5,
  /** `watch`: the task halted. */
  taskHalted: 6,
  /** `watch`: the task was cancelled, and what was created for it is removed. */
  taskCancelled: 7,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
