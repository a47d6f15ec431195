/** The routes of the passkeys of the person who is signed in. */
import type { Log } from '@deed/telemetry/logger'
import type { Hono } from 'hono'
import { z } from 'zod'
import { Refusal } from '../guard/refusal.ts'
import { NewPasskey, type Passkeys, ToConfirm } from '../passkeys/passkeys.ts'
import { type Env, personOf, readBody } from './request.ts'

const ToRemove = z.strictObject({ id: z.string().max(2_048) })

export function servePasskeys(app: Hono<Env>, passkeys: Passkeys, log: Log): void {
  app.get('/api/passkeys', (context) => context.json(passkeys.of(context.get('session'))))

  app.post('/api/passkeys/begin', async (context) =>
    context.json(await passkeys.beginRegistration(context.get('session'))),
  )

  app.post('/api/passkeys', async (context) => {
    const session = context.get('session')
    const passkey = await passkeys.register(session, read(NewPasskey, await readBody(context)))
    log.info({ ...personOf(session), passkey: passkey.id }, 'passkey registered')
    return context.json(passkey)
  })

  app.post('/api/passkeys/remove', async (context) => {
    const session = context.get('session')
    const { id } = read(ToRemove, await readBody(context))
    passkeys.remove(session, id)
    log.info({ ...personOf(session), passkey: id }, 'passkey removed')
    return context.body(null, 204)
  })

  app.post('/api/passkeys/confirm', async (context) => {
    const what = read(ToConfirm, await readBody(context))
    return context.json(await passkeys.beginConfirmation(context.get('session'), what))
  })
}

/** @throws {Refusal} that says what is wrong with the body */
function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(body)
  if (error) throw new Refusal('body', `the request is not valid: ${z.prettifyError(error)}`)
  return data as z.output<Schema>
}
