/** The process at the other end of `limit.nats_rtt`: sends back what it gets. */
import { connect } from 'nats'

export interface ResponderJob {
  url: string
  user: string
  pass: string
  inboxPrefix: string
  subject: string
}
export type ResponderMessage = { type: 'ready' }

process.once('disconnect', () => process.exit(0))
process.once('message', async ({ url, subject, ...user }: ResponderJob) => {
  const connection = await connect({ servers: url, ...user })
  connection.subscribe(subject, { callback: (_, message) => void message.respond(message.data) })
  await connection.flush()
  process.send?.({ type: 'ready' } satisfies ResponderMessage)
})
