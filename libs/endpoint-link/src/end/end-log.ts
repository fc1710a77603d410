import { appendFileSync, renameSync, statSync } from 'node:fs';

/** At this size the log file is set aside as `<path>.1`, in place of the one before. */
export const MAX_LOG_FILE_BYTES = 10 * 1024 * 1024;

export interface EndLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * The log of an end program: one line per message, to standard error, or to a file of its own when it has to outlive
 * whoever reads its output. Logging never fails the program.
 * @param path null for standard error
 */
export function openEndLog(path: string | null, now: () => Date = () => new Date()): EndLog {
  // A reader of our output that went away is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  }
  const write = (level: string, message: string): void => {
    const line = `${now().toISOString()} ${level} ${message.replaceAll('\n', ' ')}\n`;
    if (path === null) process.stderr.write(line);
    else appendBounded(path, line);
  };
  return {
    info: (message) => {
      write('info', message);
    },
    warn: (message) => {
      write('warn', message);
    },
    error: (message) => {
      write('error', message);
    },
  };
}

function ignore(): void {
  // Nothing can be said about it: this is where things are said.
}

function appendBounded(path: string, line: string): void {
  try {
    const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes + line.length > MAX_LOG_FILE_BYTES) renameSync(path, `${path}.1`);
    appendFileSync(path, line, { mode: 0o640 });
  } catch {
    ignore();
  }
}
