export function fingerprint(files: readonly { readonly path: string; readonly content: string | Buffer }[]): string;
