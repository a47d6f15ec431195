/** Passkeys of the browser and of the devices that it reaches, for the console's server to verify. */
import type { Passkey } from '@deed/proto/console'
import { post, send } from './call.ts'
import { readSession, session } from './session.ts'

/** Why this page can use none; undefined if it can. No passkey belongs to an IP address. */
export function withoutPasskeys(): string | undefined {
  if (!('PublicKeyCredential' in globalThis)) return 'This browser has no passkeys.'
  if (!/^[\d.]+$|^\[/.test(location.hostname)) return undefined
  return `Passkeys belong to a name, and this page is at an IP address. Open the console at http://localhost:${location.port}, or by the name in console.url.`
}

/** Whether the signed-in person can confirm with one here. */
export const mayUsePasskey = (): boolean =>
  withoutPasskeys() === undefined && (session.value?.factors.includes('passkey') ?? false)

export const listPasskeys = async (signal: AbortSignal): Promise<Passkey[]> =>
  (await send('/api/passkeys', { signal })) as Passkey[]

/** Asks the person for a new one. @throws {Error} if they do not make one, or it is refused */
export async function addPasskey(name: string): Promise<void> {
  const options = (await post('/api/passkeys/begin', {})) as PublicKeyCredentialCreationOptionsJSON
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const made = await navigator.credentials.create({ publicKey }).catch(notMade)
  await post('/api/passkeys', { name, response: (made as PublicKeyCredential).toJSON() })
  await readSession()
}

export async function removePasskey(id: string): Promise<void> {
  await post('/api/passkeys/remove', { id })
  await readSession()
}

/** Asks the person to confirm. @returns the signature, for `confirmation.passkey` of the decision */
export async function signApproval(approvalId: string, planHash: string): Promise<unknown> {
  const asked = { approval_id: approvalId, plan_hash: planHash }
  const options = (await post('/api/passkeys/confirm', asked)) as PublicKeyCredentialRequestOptionsJSON
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const made = await navigator.credentials.get({ publicKey }).catch(notMade)
  return (made as PublicKeyCredential).toJSON()
}

/** The browser says the same of a person who declines and of a device that is not there. */
function notMade(cause: unknown): never {
  throw new Error('No passkey was used: it was declined, took too long, or is not on this device.', { cause })
}
