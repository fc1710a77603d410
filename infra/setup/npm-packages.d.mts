export interface Lock {
  readonly packages?: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
}
export function isInstalledAsLocked(lock: Lock, installed: Lock): boolean;
