/** Who is signed in, and what they may do. */
import type { ConsoleSession, SignInWays } from '@deed/proto/console'
import { effect, signal } from '@preact/signals'
import { CallError, csrf, post, send, signedOut } from './call.ts'
import { go } from './router.ts'

/** Where the provider sends the browser back to. */
const SIGN_IN_PATH = '/sign-in'
/** Of the address from which a person went to the provider. */
const LEFT_FROM = 'deed.left-from'

/** undefined: not known yet. null: nobody is signed in. */
export const session = signal<ConsoleSession | null | undefined>(undefined)
/** Why the last sign-in failed. */
export const signInError = signal<string | undefined>(undefined)

/** Signs in by the link or the answer of the provider in the address, if there is one, and reads the session. */
export async function startSession(): Promise<void> {
  effect(() => {
    if (signedOut.value > 0) session.value = null
  })
  const token = tokenOf(location.hash)
  if (token !== undefined) {
    // The token is good once, and belongs in no history.
    history.replaceState(null, '', location.pathname + location.search)
    await signIn(token)
  } else if (location.pathname === SIGN_IN_PATH && location.search !== '') {
    const response = location.search
    go(sessionStorage.getItem(LEFT_FROM) ?? '/', { replace: true })
    sessionStorage.removeItem(LEFT_FROM)
    await enter(() => post('/api/sign-in/finish', { response }), messageOf)
  } else {
    await readSession()
  }
}

/** The token of a one-time link: `#token=…`. */
export function tokenOf(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, '')).get('token') || undefined
}

export async function signIn(token: string): Promise<void> {
  await enter(
    () => post('/api/login', { token }),
    (error) =>
      error instanceof CallError && error.code === 'signed_out'
        ? 'This token is not valid, or was used already. Ask for another: deed console'
        : messageOf(error),
  )
}

async function enter(work: () => Promise<unknown>, sentence: (error: unknown) => string): Promise<void> {
  signInError.value = undefined
  try {
    await work()
    await readSession()
  } catch (error) {
    session.value = null
    signInError.value = sentence(error)
  }
}

/** @returns the provider that people may sign in with; null without one */
export async function readProvider(): Promise<string | null> {
  return ((await send('/api/sign-in')) as SignInWays).provider
}

/** Goes to the provider, which sends the browser back. */
export async function signInByProvider(): Promise<void> {
  signInError.value = undefined
  try {
    const { url } = (await post('/api/sign-in/begin', {})) as { url: string }
    sessionStorage.setItem(LEFT_FROM, location.pathname + location.search)
    location.assign(url)
  } catch (error) {
    signInError.value = messageOf(error)
  }
}

/** Leaves the console, and the provider too where that is configured. */
export async function signOut(): Promise<void> {
  const answer = (await post('/api/logout', {})) as { url: string } | undefined
  session.value = null
  if (answer) location.assign(answer.url)
}

/** Reads who is signed in, and how they may confirm. */
export async function readSession(): Promise<void> {
  try {
    const found = (await send('/api/session')) as ConsoleSession
    csrf.value = found.csrf
    session.value = found
  } catch (error) {
    session.value = null
    if (!(error instanceof CallError && error.code === 'signed_out')) signInError.value = messageOf(error)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether the role of the signed-in person has this subject. */
export const may = (subject: string): boolean => session.value?.verbs.includes(subject) ?? false

/** Why a button of this subject is disabled: undefined if it is not. */
export const refusal = (subject: string): string | undefined =>
  may(subject) ? undefined : `Your role, ${session.value?.role ?? 'none'}, may not call ${subject}.`
