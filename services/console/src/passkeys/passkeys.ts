/** Passkeys: people register them, and confirm with them that they approve just the plan on their screen. */
import type { Passkey } from '@deed/proto/console'
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { z } from 'zod'
import { Refusal } from '../guard/refusal.ts'
import type { Session } from '../sessions/sessions.ts'
import { openChallenges } from './challenges.ts'
import type { PasskeyStore, StoredPasskey } from './store.ts'

const PASSKEYS_OF_PERSON_MAX = 20
const REGISTERING = ['register']
/** EdDSA, ES256 and RS256, as COSE numbers them: what authenticators have. */
const ALGORITHMS = [-8, -7, -257]

const Base64 = z
  .string()
  .regex(/^[\w-]+$/)
  .max(16_384)
const Credential = { id: Base64, rawId: Base64, type: z.literal('public-key') }
const Ignored = z.looseObject({})

/** What a browser says of a new passkey. */
export const NewPasskey = z.strictObject({
  name: z.string().trim().min(1).max(64),
  response: z.object({
    ...Credential,
    response: z.object({
      clientDataJSON: Base64,
      attestationObject: Base64,
      transports: z.array(z.string().max(32)).max(8).default([]),
    }),
    clientExtensionResults: Ignored.default({}),
  }),
})

/** A passkey's signature for an approval. */
export const Assertion = z.object({
  ...Credential,
  response: z.object({ clientDataJSON: Base64, authenticatorData: Base64, signature: Base64 }),
  clientExtensionResults: Ignored.default({}),
})
export type Assertion = z.output<typeof Assertion>

/** What a passkey confirms. */
export const ToConfirm = z.strictObject({ approval_id: z.uuid(), plan_hash: z.string().min(1).max(64) })
export type ToConfirm = z.output<typeof ToConfirm>

export interface Passkeys {
  of(session: Session): Passkey[]
  /** @returns the options of `navigator.credentials.create`, as JSON */
  beginRegistration(session: Session): Promise<object>
  /** @throws {Refusal} unless it answers the challenge of this session at this address */
  register(session: Session, given: z.output<typeof NewPasskey>): Promise<Passkey>
  /** No-op for one that this person has not got. */
  remove(session: Session, id: string): void
  /** @returns the options of `navigator.credentials.get`, as JSON */
  beginConfirmation(session: Session, what: ToConfirm): Promise<object>
  /** @throws {Refusal} unless a passkey of this person has signed just this, for the first time */
  confirm(session: Session, what: ToConfirm, assertion: Assertion): Promise<void>
}

/** @param url where people reach the console: passkeys belong to its name, and no name is an IP address */
export function openPasskeys(store: PasskeyStore, url: string): Passkeys {
  const at = new URL(url)
  if (at.hostname === '127.0.0.1') at.hostname = 'localhost'
  const expected = { expectedOrigin: at.origin, expectedRPID: at.hostname, requireUserVerification: true }
  const challenges = openChallenges()
  const ownOf = ({ tenant, user }: Session): StoredPasskey[] =>
    store.all().filter((one) => one.tenant === tenant && one.user === user)
  const toConfirm = ({ approval_id, plan_hash }: ToConfirm): string[] => ['approve', approval_id, plan_hash]
  const refuse = (why: string): never => {
    throw new Refusal('passkey', `the passkey does not confirm this: ${why}`)
  }

  return {
    of: (session) => ownOf(session).map(shown),
    async beginRegistration(session) {
      const own = ownOf(session)
      if (own.length >= PASSKEYS_OF_PERSON_MAX)
        throw new Refusal(
          'passkey',
          `a person has at most ${PASSKEYS_OF_PERSON_MAX} passkeys; remove one`,
          'limit_exceeded',
        )
      return generateRegistrationOptions({
        ...{ rpName: 'Deed', rpID: at.hostname, userName: `${session.tenant}.${session.user}` },
        userID: new TextEncoder().encode(`${session.tenant}.${session.user}`),
        challenge: challenges.make(session.id, REGISTERING),
        supportedAlgorithmIDs: ALGORITHMS,
        excludeCredentials: own.map(({ id }) => ({ id })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      })
    },
    async register(session, { name, response }) {
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        ...expected,
        response,
        supportedAlgorithmIDs: ALGORITHMS,
        expectedChallenge: (challenge) => challenges.take(challenge, session.id, REGISTERING),
      }).catch((error: Error) => refuse(error.message))
      if (!verified || registrationInfo === undefined) return refuse('it is not verified')
      const { id, publicKey, counter } = registrationInfo.credential
      if (store.all().some((one) => one.id === id)) return refuse('it is registered already')
      const stored: StoredPasskey = {
        ...{ id, tenant: session.tenant, user: session.user, name, counter },
        ...{ public_key: Buffer.from(publicKey).toString('base64url'), transports: response.response.transports },
        ...{ created_at: new Date().toISOString(), used_at: null },
      }
      store.replace([...store.all(), stored])
      return shown(stored)
    },
    remove: (session, id) => {
      const own = ownOf(session)
      store.replace(store.all().filter((one) => one.id !== id || !own.includes(one)))
    },
    beginConfirmation: (session, what) =>
      generateAuthenticationOptions({
        rpID: at.hostname,
        challenge: challenges.make(session.id, toConfirm(what)),
        allowCredentials: ownOf(session).map(({ id, transports }) => ({ id, transports })),
        userVerification: 'required',
      }),
    async confirm(session, what, assertion) {
      const own = ownOf(session).find(({ id }) => id === assertion.id)
      if (own === undefined) return refuse('it is not one of yours')
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        ...expected,
        response: assertion,
        expectedChallenge: (challenge) => challenges.take(challenge, session.id, toConfirm(what)),
        credential: {
          id: own.id,
          publicKey: new Uint8Array(Buffer.from(own.public_key, 'base64url')),
          counter: own.counter,
          transports: own.transports,
        },
      }).catch((error: Error) => refuse(error.message))
      if (!verified) return refuse('its signature is not valid')
      const used = { counter: authenticationInfo.newCounter, used_at: new Date().toISOString() }
      store.replace(store.all().map((one) => (one.id === own.id ? { ...one, ...used } : one)))
    },
  }
}

const shown = ({ id, name, created_at, used_at }: StoredPasskey): Passkey => ({ id, name, created_at, used_at })
