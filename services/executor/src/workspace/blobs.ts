/** Bytes that are kept for an undo, under their hash: what is kept twice is stored once. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, utimesSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { flush } from './flush-folder.ts'

export interface Blobs {
  /** Keeps the bytes. @returns their SHA-256, in hex */
  keep(bytes: Uint8Array): Promise<string>
  /** @throws {DeedError} `compensation_failed` when this executor does not have them */
  get(hash: string): Buffer
  /** Where they lie on this host, for a person to look at. */
  fileOf(hash: string): string
}

/** @param folder made where it is missing; on disk after each `keep` */
export function blobsIn(folder: string): Blobs {
  const pathOf = (hash: string) => join(folder, hash.slice(0, 2), hash.slice(2))
  return {
    async keep(bytes) {
      const hash = sha256(bytes)
      const path = pathOf(hash)
      if (existsSync(path)) {
        // Needed again from now on, and so not swept with what is old.
        const now = new Date()
        utimesSync(path, now, now)
        return hash
      }
      mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
      const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
      const fd = openSync(temporary, 'wx', 0o600)
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
        await flush(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(temporary, path)
      await flushFolder(join(path, '..'))
      return hash
    },
    get(hash) {
      let bytes: Buffer
      try {
        bytes = readFileSync(pathOf(hash))
      } catch (cause) {
        throw new DeedError('compensation_failed', `the snapshot ${hash.slice(0, 12)} is not kept on ${hostname()}`, {
          cause,
        })
      }
      // Restoring damaged bytes would be worse than restoring nothing.
      if (sha256(bytes) !== hash)
        throw new DeedError('compensation_failed', `the snapshot ${hash.slice(0, 12)} is damaged`)
      return bytes
    },
    fileOf: pathOf,
  }
}

/** Hashes and keeps nothing: for observations that lead to no effect. */
export const noBlobs: Blobs = {
  keep: async (bytes) => sha256(bytes),
  get(hash) {
    throw new DeedError('compensation_failed', `the snapshot ${hash.slice(0, 12)} was never kept`)
  },
  fileOf: (hash) => hash,
}

async function flushFolder(path: string): Promise<void> {
  const fd = openSync(path, 'r')
  try {
    await flush(fd)
  } finally {
    closeSync(fd)
  }
}
