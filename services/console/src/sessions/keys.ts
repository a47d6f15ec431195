/** The key that signs sessions: in the data folder, readable by the owner alone. Another key voids every session. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'session-key'
const KEY_BYTES = 32
/** Every request of a page has the same two. */
const REMEMBERED_MAX = 2_000

type Purpose = 'session' | 'csrf' | `oidc-${'flow' | 'state' | 'nonce' | 'verifier'}`

export interface Keys {
  /** @param purpose a signature for one purpose is none for another */
  sign(purpose: Purpose, text: string): string
  isSigned(purpose: Purpose, text: string, signature: string): boolean
  /** Replaces the key. */
  rotate(): void
}

/** Reads the key, or makes it. */
export function openKeys(dataFolder: string): Keys {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  const file = join(dataFolder, FILE)
  let key = read(file) ?? make(file)
  const remembered = new Set<string>()
  const sign: Keys['sign'] = (purpose, text) =>
    createHmac('sha256', key).update(`${purpose}\0${text}`).digest('base64url')
  return {
    sign,
    isSigned(purpose, text, signature) {
      const whole = `${purpose}\0${text}\0${signature}`
      if (remembered.has(whole)) return true
      const [given, own] = [Buffer.from(signature), Buffer.from(sign(purpose, text))]
      if (given.length !== own.length || !timingSafeEqual(given, own)) return false
      if (remembered.size >= REMEMBERED_MAX) remembered.clear()
      remembered.add(whole)
      return true
    },
    rotate() {
      key = make(file)
      remembered.clear()
    },
  }
}

function read(file: string): Buffer | undefined {
  try {
    const key = Buffer.from(readFileSync(file, 'utf8'), 'hex')
    return key.length === KEY_BYTES ? key : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function make(file: string): Buffer {
  const key = randomBytes(KEY_BYTES)
  writeFileSync(`${file}.new`, key.toString('hex'), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
  return key
}
