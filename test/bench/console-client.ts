/** What scenarios of the console have in common: who is signed in, and executions. */
import { type Bus, connectBus } from '@deed/mesh/bus'
import { linkConsole } from '@deed/proto/console'
import { type ExecutionReply, requestExecution } from '@deed/proto/execution'
import type { BenchMesh } from './bench-mesh.ts'
import { contentOf, pathOf } from './written-files.ts'

/** A person's session, as a browser has it. */
export interface SignedIn {
  base: string
  cookie: string
  csrf: string
}

export function busOf({ mesh: { connection } }: BenchMesh): Promise<Bus> {
  const { nats_url: url, nats_user: user, nats_password: password } = connection
  return connectBus({ service: user ?? 'deed', url, user, password })
}

export async function signIn(bus: Bus, user: string): Promise<SignedIn> {
  const { url } = await bus.call(linkConsole, { user })
  const { origin: base, hash } = new URL(url)
  const headers = { 'content-type': 'application/json', origin: base }
  const body = JSON.stringify({ token: hash.replace('#token=', '') })
  const [set = ''] = (await fetch(`${base}/api/login`, { method: 'POST', headers, body })).headers.getSetCookie()
  const cookie = set.split(';')[0] ?? ''
  const { csrf } = (await (await fetch(`${base}/api/session`, { headers: { cookie } })).json()) as SignedIn
  return { base, cookie, csrf }
}

/** @throws unless it was done */
export async function write(bus: Bus, run: string, number: number): Promise<ExecutionReply['execution_id']> {
  const { execution_id: id, status } = await bus.call(requestExecution, {
    task: `write "${contentOf(run, number)}" to ${pathOf(run, number)}`,
  })
  if (status !== 'done') throw new Error(`a write ended as ${status}`)
  return id
}
