/** A request of the page as a call of the mesh, in the name of the person who is signed in. */
import type { Bus } from '@deed/mesh/bus'
import type { RequestContract } from '@deed/proto/contract'
import { CONTRACTS } from '@deed/proto/contracts'
import type { ErrorBody } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { CONSOLE_VERBS } from '@deed/proto/permissions'
import { Refusal } from '../guard/refusal.ts'
import type { Passkeys } from '../passkeys/passkeys.ts'
import type { Session } from '../sessions/sessions.ts'
import { confirmedInput, passkeyIn } from './confirmed.ts'
import { notingDecisions } from './noting-decisions.ts'
import { type Encoded, isShared, type SharedReads } from './shared-reads.ts'

const REQUESTS: ReadonlyMap<string, RequestContract> = new Map(
  CONTRACTS.flatMap((contract) => (contract.type === 'request' ? [[contract.subject, contract]] : [])),
)

interface Parts {
  bus: Bus
  passkeys: Passkeys
  reads: SharedReads
}

/**
 * The service that answers validates the input; the tenant and the user are those of the session.
 *
 * @param signal ends what changes nothing, once nobody waits for it
 * @param note is given what a decision was refused for without a row in any execution
 * @returns the answer as JSON
 * @throws {Refusal} for a subject that the role does not have, or a passkey that does not confirm it; {DeedError} as the service says
 */
export async function callContract(
  { bus, passkeys, reads }: Parts,
  session: Session,
  subject: string,
  input: Json,
  { signal, note }: { signal: AbortSignal; note: (error: ErrorBody) => void },
): Promise<Encoded> {
  const { tenant, user, role } = session
  const contract = CONSOLE_VERBS[role].includes(subject) ? REQUESTS.get(subject) : undefined
  if (contract === undefined) throw new Refusal('role', `the role ${role} may not ask ${shown(subject)}`)
  const call = async (): Promise<unknown> => {
    const given = passkeyIn(subject, input)
    if (given) await passkeys.confirm(session, given.what, given.assertion)
    return bus.call(contract, confirmedInput(subject, input, given !== undefined), {
      principal: { tenant, user },
      ...(contract.idempotent && !isShared(subject) ? { signal } : {}),
    })
  }
  return reads.ask(subject, input, { tenant, user }, () => notingDecisions(subject, note, call))
}

const shown = (subject: string): string => (REQUESTS.has(subject) ? subject : 'that')
