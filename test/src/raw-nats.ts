/** The protocol of NATS by hand, for what no client library lets through. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Connection } from '@deed/local/local-mesh'

/** Sends a message whose header block is these very bytes, and waits until the server has taken it. */
export async function publishRaw(
  { nats_url, nats_user, nats_password }: Connection,
  message: { subject: string; reply?: string; headers: string; body: string },
): Promise<void> {
  const { hostname, port } = new URL(nats_url)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    const login = { verbose: false, headers: true, user: nats_user, pass: nats_password }
    const head = `NATS/1.0\r\n${message.headers}\r\n\r\n`
    const sizes = `${Buffer.byteLength(head)} ${Buffer.byteLength(head + message.body)}`
    socket.write(`CONNECT ${JSON.stringify(login)}\r\n`)
    socket.write(`HPUB ${message.subject} ${message.reply ?? ''} ${sizes}\r\n${head}${message.body}\r\nPING\r\n`)
    await ponged(socket)
  } finally {
    socket.destroy()
  }
}

async function ponged(socket: Socket): Promise<void> {
  let seen = ''
  for await (const chunk of socket) {
    seen += String(chunk)
    if (seen.includes('-ERR')) throw new Error(`the server refuses: ${seen.slice(seen.indexOf('-ERR'))}`)
    if (seen.includes('PONG')) return
  }
  throw new Error(`the server hung up after ${seen}`)
}
