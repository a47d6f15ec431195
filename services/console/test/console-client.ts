/** A browser's side of the console, without a page: signs in, calls, and listens. */
import { request } from 'node:http'
import type { Bus } from '@deed/mesh/bus'
import { type ConsoleSession, type LiveMessage, linkConsole } from '@deed/proto/console'
import { WebSocket } from 'ws'
import type { z } from 'zod'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Any request, with any headers: `fetch` would set Host itself. */
export function ask(url: string, { method = 'GET', headers = {}, body = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const JSON_HEADERS = { 'content-type': 'application/json' }

export interface SignedIn {
  readonly base: string
  readonly session: ConsoleSession
  /** As a page of the console sends them. */
  readonly headers: Record<string, string>
  call(subject: string, input: unknown, headers?: Record<string, string>): Promise<{ status: number; body: never }>
  live(): Promise<LiveClient>
}

export interface LiveClient {
  readonly socket: WebSocket
  readonly messages: LiveMessage[]
  /** The numbers of the rows so far, in the order in which they came. */
  seqs(executionId: string): number[]
  send(message: object): void
}

/** @returns the address of the console, and the token of a new link */
export async function linkOf(client: Bus, person: z.input<typeof linkConsole.input> = {}) {
  const { url } = await client.call(linkConsole, person)
  const [base = '', token = ''] = url.split('/#token=')
  return { base, token }
}

export const login = (base: string, token: string, headers: Record<string, string> = { origin: base }) =>
  ask(`${base}/api/login`, {
    method: 'POST',
    headers: { ...JSON_HEADERS, ...headers },
    body: JSON.stringify({ token }),
  })

export async function signIn(client: Bus, person: z.input<typeof linkConsole.input> = {}): Promise<SignedIn> {
  const { base, token } = await linkOf(client, person)
  const { headers } = await login(base, token)
  const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const session = JSON.parse((await ask(`${base}/api/session`, { headers: { cookie } })).body) as ConsoleSession
  const own = { ...JSON_HEADERS, origin: base, cookie, 'x-deed-csrf': session.csrf }
  return {
    base,
    session,
    headers: own,
    async call(subject, input, more = {}) {
      const headers = { ...own, ...more }
      const answer = await ask(`${base}/api/call/${subject}`, { method: 'POST', headers, body: JSON.stringify(input) })
      return { status: answer.status, body: JSON.parse(answer.body) as never }
    },
    live: () => openLive(base, { cookie, origin: base }),
  }
}

/** @throws with the status, if it is refused */
export async function openLive(base: string, headers: Record<string, string>): Promise<LiveClient> {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/api/live`, { headers })
  const messages: LiveMessage[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data)) as LiveMessage))
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    socket,
    messages,
    seqs: (id) =>
      messages.flatMap((one) => (one.type === 'rows' && one.execution_id === id ? one.rows.map(({ seq }) => seq) : [])),
    send: (message) => socket.send(JSON.stringify(message)),
  }
}
