/** How a decision was confirmed, as the console itself knows it: what a page says of that never counts. */
import type { Confirmation } from '@deed/proto/approval'
import type { Json } from '@deed/proto/json'
import { z } from 'zod'
import { Refusal } from '../guard/refusal.ts'
import { Assertion, ToConfirm } from '../passkeys/passkeys.ts'

type Body = { [key: string]: Json }

const WithPasskey = z.object({ ...ToConfirm.shape, confirmation: z.object({ passkey: Assertion }) })

/** @returns what a passkey is said to confirm, of a decision that has one. @throws {Refusal} for one of another form */
export function passkeyIn(subject: string, input: Json): { what: ToConfirm; assertion: Assertion } | undefined {
  if (subject !== 'approval.decide' || !isBody(input)) return undefined
  if (!isBody(input.confirmation) || input.confirmation.passkey === undefined) return undefined
  const { data } = WithPasskey.safeParse(input)
  if (data === undefined)
    throw new Refusal('passkey', 'a passkey confirms an approval_id and a plan_hash, in confirmation.passkey')
  const { approval_id, plan_hash, confirmation } = data
  return { what: { approval_id, plan_hash }, assertion: confirmation.passkey }
}

/** @param byPasskey whether one was verified. @returns the input with channel and factor set by the console; what the person typed is theirs */
export function confirmedInput(subject: string, input: Json, byPasskey = false): Json {
  if (!isBody(input)) return input
  if (subject === 'approval.decide') {
    if (byPasskey) return { ...input, confirmation: { channel: 'console', factor: 'passkey' } }
    const given = input.confirmation
    const typed = isBody(given) && typeof given.typed === 'string' ? given.typed : undefined
    return { ...input, confirmation: { ...confirmation(typed), ...(typed === undefined ? {} : { typed }) } }
  }
  if (subject === 'approval.decide-many') {
    const each = Array.isArray(input.approvals) ? input.approvals : []
    const typed = each.map((one) => (isBody(one) ? one.typed : undefined)).find((one) => typeof one === 'string')
    return { ...input, confirmation: confirmation(typed) }
  }
  return input
}

const confirmation = (typed: Json | undefined): Pick<Confirmation, 'channel' | 'factor'> => ({
  channel: 'console',
  factor: typed === undefined ? 'answer' : 'typed',
})

const isBody = (value: Json | undefined): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
