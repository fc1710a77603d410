export function isProgramSource(path: string): boolean;
export function orphans(compiled: readonly string[], sources: readonly string[]): string[];
