/** Tells by content whether what was made from files is still up to date. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {readonly {path: string, content: string | Buffer}[]} files in any order
 * @returns {string} hexadecimal digest over names and contents
 */
export function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${file.path}\0${Buffer.byteLength(file.content)}\0`).update(file.content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {readonly string[]} folders relative to root; those that do not exist count as empty
 * @param {(path: string) => boolean} isWanted by path relative to root
 * @returns {string[]} paths relative to root
 */
export function filesUnder(root, folders, isWanted) {
  const found = [];
  const visit = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules') visit(path);
      } else if (entry.isFile() && isWanted(path)) found.push(path);
    }
  };
  for (const folder of folders) if (existsSync(join(root, folder))) visit(folder);
  return found;
}

/** @returns {{path: string, content: Buffer}[]} */
export function readFiles(root, paths) {
  return paths.map((path) => ({ path, content: readFileSync(join(root, path)) }));
}

/**
 * @param {string} stampFile
 * @param {string} wanted
 * @returns {boolean} whether the stamp says that the work for `wanted` was done
 */
export function isStamped(stampFile, wanted) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === wanted;
}

export function stamp(stampFile, value) {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, `${value}\n`);
}
