/** Memory of the machine in bytes; `freeBytes` is what programs can still get without swapping. */
export interface Memory {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

const KIB = 1024;

/** Reads `/proc/meminfo`. Kernels before 3.14 do not estimate what is available: free memory and caches stand in. */
export function parseMemory(text: string): Memory {
  const bytesOf = (name: string) => {
    const digits = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return digits === undefined ? null : Number(digits) * KIB;
  };
  const reclaimable = (bytesOf('MemFree') ?? 0) + (bytesOf('Buffers') ?? 0) + (bytesOf('Cached') ?? 0);
  return { totalBytes: bytesOf('MemTotal') ?? 0, freeBytes: bytesOf('MemAvailable') ?? reclaimable };
}
