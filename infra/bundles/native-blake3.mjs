import { createRequire } from 'node:module';

/**
 * Stands in for `@napi-rs/blake-hash` in a bundle. The package looks for its add-on in `node_modules`, in any folder
 * above as well; a program that runs as root on a foreign machine loads only what lies beside it. Where that is nothing,
 * or nothing that this machine can load, importing it fails, and the other implementation is used.
 */
const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

const load = () => {
  const failures = [];
  // An add-on for the other C library cannot be loaded, so which one the machine has need not be known.
  for (const library of ['gnu', 'musl']) {
    const file = `./blake.${platform}-${library}.node`;
    try {
      return require(file);
    } catch (error) {
      failures.push(`${file}: ${String(error?.message ?? error).split('\n')[0]}`);
    }
  }
  throw new Error(`no BLAKE3 add-on for this machine: ${failures.join('; ')}`);
};

export const { Blake3Hasher } = load();
