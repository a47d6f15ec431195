/** The passkeys of people, in the data folder: public keys, so a reader of the file can confirm nothing. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const FILE = 'passkeys.json'

const StoredPasskey = z.strictObject({
  /** As the authenticator names it, in base64url. */
  id: z.string(),
  tenant: z.string(),
  user: z.string(),
  name: z.string(),
  /** In COSE form, as base64url. */
  public_key: z.string(),
  /** How often it was used, as the authenticator says; 0 for ever of one that does not count. */
  counter: z.int(),
  transports: z.array(z.string()),
  created_at: z.iso.datetime(),
  used_at: z.iso.datetime().nullable(),
})
export type StoredPasskey = z.output<typeof StoredPasskey>

export interface PasskeyStore {
  all(): readonly StoredPasskey[]
  /** Replaces all of them, durably. */
  replace(passkeys: readonly StoredPasskey[]): void
}

/** @param dataFolder that exists */
export function openPasskeyStore(dataFolder: string): PasskeyStore {
  const file = join(dataFolder, FILE)
  let passkeys: readonly StoredPasskey[] = read(file)
  return {
    all: () => passkeys,
    replace(next) {
      writeFileSync(`${file}.new`, JSON.stringify(next), { mode: 0o600, flush: true })
      renameSync(`${file}.new`, file)
      passkeys = next
    },
  }
}

function read(file: string): StoredPasskey[] {
  try {
    return z.array(StoredPasskey).parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
