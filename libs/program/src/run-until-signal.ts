/** A started program. */
export interface Running {
  close(): Promise<unknown>;
}

/**
 * The whole life of a program as a process: start, run until SIGTERM or SIGINT, end in order.
 * Exit code 0, or 1 when it could not start or not end in order; why goes to standard error.
 */
export const runUntilSignal = async (start: () => Promise<Running>): Promise<void> => {
  try {
    const running = await start();
    const end = (): void => {
      running.close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
};
