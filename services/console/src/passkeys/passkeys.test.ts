// Passkeys, with an authenticator that makes real signatures, of what it is asked to sign and of other things.
import { randomUUID } from 'node:crypto'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { afterAll, describe, expect, it } from 'vitest'
import { openAuthenticator } from '../../test/authenticator.ts'
import type { Session } from '../sessions/sessions.ts'
import { openPasskeys } from './passkeys.ts'
import { openPasskeyStore } from './store.ts'

const opened = new DisposableStack()
afterAll(() => opened.dispose())

const sessionOf = (user: string, tenant = 'acme'): Session => ({
  ...{ id: randomUUID(), tenant, user, role: 'approver', expires: Date.now() + 60_000 },
})
const ann = sessionOf('ann')
const PLAN = { approval_id: randomUUID(), plan_hash: 'a'.repeat(64) }
const REFUSED = { reason: 'passkey', code: 'forbidden' }

const open = (folder = opened.use(temporaryFolder()).path) => ({
  folder,
  passkeys: openPasskeys(openPasskeyStore(folder), 'http://127.0.0.1:20123'),
})
type Passkeys = ReturnType<typeof open>['passkeys']

const challengeOf = (options: object): string => (options as { challenge: string }).challenge

async function registered(passkeys: Passkeys, session = ann, given: object = {}) {
  const authenticator = openAuthenticator()
  const challenge = challengeOf(await passkeys.beginRegistration(session))
  const response = authenticator.create({ challenge, ...given })
  await passkeys.register(session, { name: 'phone', response })
  return { ...authenticator, response }
}

async function signedBy(passkeys: Passkeys, authenticator: ReturnType<typeof openAuthenticator>, given: object = {}) {
  const challenge = challengeOf(await passkeys.beginConfirmation(ann, PLAN))
  return authenticator.get({ challenge, ...given })
}

describe('a passkey', () => {
  it('is registered by its person, who sees and removes it, and nobody else does', async () => {
    const { passkeys, folder } = open()
    const { id } = await registered(passkeys)
    const again = open(folder).passkeys
    expect(again.of(ann)).toMatchObject([{ id, name: 'phone', used_at: null }])
    for (const other of [sessionOf('bob'), sessionOf('ann', 'other')]) {
      expect(again.of(other)).toEqual([])
      again.remove(other, id)
    }
    expect(again.of(ann)).toHaveLength(1)
    again.remove(ann, id)
    expect(open(folder).passkeys.of(ann)).toEqual([])
  })

  it.each([
    ['of another page', { origin: 'https://evil.example' }],
    ['of another name', { rpId: 'evil.example' }],
    ['of nobody in particular', { verified: false }],
    ['for another challenge', { challenge: 'x'.repeat(43) }],
  ])('%s is not registered', async (_what, given) => {
    const { passkeys } = open()
    await expect(registered(passkeys, ann, given)).rejects.toMatchObject(REFUSED)
    expect(passkeys.of(ann)).toEqual([])
  })

  it('is registered once, by the session that asked for it', async () => {
    const { passkeys } = open()
    const { response } = await registered(passkeys)
    await expect(passkeys.register(ann, { name: 'again', response })).rejects.toMatchObject(REFUSED)
    const challenge = challengeOf(await passkeys.beginRegistration(ann))
    const foreign = openAuthenticator().create({ challenge })
    await expect(passkeys.register(sessionOf('bob'), { name: 'x', response: foreign })).rejects.toMatchObject(REFUSED)
  })
})

describe('a confirmation by a passkey', () => {
  it('is taken once, for the plan that it was made for', async () => {
    const { passkeys } = open()
    const authenticator = await registered(passkeys)
    const assertion = await signedBy(passkeys, authenticator)
    await passkeys.confirm(ann, PLAN, assertion)
    expect(passkeys.of(ann)[0]?.used_at).not.toBeNull()
    await expect(passkeys.confirm(ann, PLAN, assertion)).rejects.toMatchObject(REFUSED)
  })

  it('is refused for another plan, another approval, another person and another session', async () => {
    const { passkeys } = open()
    const authenticator = await registered(passkeys)
    for (const [session, what] of [
      [ann, { ...PLAN, plan_hash: 'b'.repeat(64) }],
      [ann, { ...PLAN, approval_id: randomUUID() }],
      [sessionOf('bob'), PLAN],
      [sessionOf('ann'), PLAN],
    ] as const)
      await expect(
        passkeys.confirm(session, what, await signedBy(passkeys, authenticator)),
        JSON.stringify(what),
      ).rejects.toMatchObject(REFUSED)
  })

  it.each([
    ['of another page', { origin: 'https://evil.example' }],
    ['of another name', { rpId: 'evil.example' }],
    ['without a check of the person', { verified: false }],
    ['of a challenge of its own', { challenge: 'x'.repeat(43) }],
  ])('%s is refused', async (_what, given) => {
    const { passkeys } = open()
    const authenticator = await registered(passkeys)
    await expect(passkeys.confirm(ann, PLAN, await signedBy(passkeys, authenticator, given))).rejects.toMatchObject(
      REFUSED,
    )
  })

  it('is refused with the signature of another key, and after it was removed', async () => {
    const { passkeys } = open()
    const authenticator = await registered(passkeys)
    const forged = { ...(await signedBy(passkeys, openAuthenticator())), id: authenticator.id, rawId: authenticator.id }
    await expect(passkeys.confirm(ann, PLAN, forged)).rejects.toMatchObject(REFUSED)
    const assertion = await signedBy(passkeys, authenticator)
    passkeys.remove(ann, authenticator.id)
    await expect(passkeys.confirm(ann, PLAN, assertion)).rejects.toMatchObject(REFUSED)
  })

  it('is refused if its count has not grown: there is a copy of the passkey', async () => {
    const { passkeys } = open()
    const authenticator = await registered(passkeys, ann, { counter: 1 })
    await passkeys.confirm(ann, PLAN, await signedBy(passkeys, authenticator, { counter: 5 }))
    for (const counter of [5, 4, 0])
      await expect(
        passkeys.confirm(ann, PLAN, await signedBy(passkeys, authenticator, { counter })),
      ).rejects.toMatchObject(REFUSED)
    await passkeys.confirm(ann, PLAN, await signedBy(passkeys, authenticator, { counter: 6 }))
  })
})
