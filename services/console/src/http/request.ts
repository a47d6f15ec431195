/** What routes read of a request. */
import { decodeJson } from '@deed/json/decode'
import type { Json } from '@deed/proto/json'
import type { HttpBindings } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { Refusal } from '../guard/refusal.ts'
import type { Session } from '../sessions/sessions.ts'

export type Env = { Bindings: HttpBindings; Variables: { session: Session } }

/** @throws {Refusal} unless it says that it is JSON; {DeedError} for what is no harmless JSON */
export async function readBody(context: Context<Env>): Promise<Json> {
  const type = context.req.header('content-type') ?? ''
  if (!/^application\/json(?:;\s*charset=utf-8)?$/i.test(type))
    throw new Refusal('body', 'send JSON, with the content type application/json')
  return decodeJson(new Uint8Array(await context.req.arrayBuffer()), { exactIntegers: true })
}

export const addressOf = (context: Context<Env>): string | undefined => getConnInfo(context).remote.address

export const originOf = (context: Context<Env>) => ({
  origin: context.req.header('origin'),
  host: context.req.header('host'),
  site: context.req.header('sec-fetch-site'),
})

export const personOf = (session: Session | undefined): { tenant?: string; user?: string } =>
  session ? { tenant: session.tenant, user: session.user } : {}
