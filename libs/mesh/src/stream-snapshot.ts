/**
 * Snapshots of JetStream streams, as the server makes and takes them: messages keep their sequences, consumers what they
 * have acknowledged. The bytes are the server's own format.
 */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { inboxPrefix } from '@deed/proto/permissions'
import { createInbox, type JetStreamManager, type Msg, type NatsConnection, NatsError } from 'nats'
import { z } from 'zod'

const ANSWER_MS_MAX = 30_000
/** Below the largest message that a server accepts by default. */
const CHUNK_BYTES = 512 * 1024

/** What the server has to be given back with the bytes of a snapshot. */
export const SnapshotHead = z.object({
  config: z.looseObject({ name: z.string() }),
  state: z.looseObject({ messages: z.int(), first_seq: z.int(), last_seq: z.int() }),
})
export type SnapshotHead = z.output<typeof SnapshotHead>

const Refusal = z.object({ error: z.object({ code: z.int(), description: z.string() }) })
const Receiver = z.object({ deliver_subject: z.string() })

/**
 * Writes the stream with its consumers to `to`, which stays open.
 *
 * @param user as whom this connection has entered
 * @throws if the server does not finish it
 */
export async function snapshotStream(
  nc: NatsConnection,
  user: string,
  name: string,
  to: Writable,
): Promise<SnapshotHead> {
  const deliver = createInbox(inboxPrefix(user))
  const chunks = nc.subscribe(deliver)
  try {
    const asked = { deliver_subject: deliver, chunk_size: CHUNK_BYTES, no_consumers: false, jsck: true }
    const head = SnapshotHead.parse(await askServer(nc, `STREAM.SNAPSHOT.${name}`, JSON.stringify(asked)))
    for await (const chunk of within(ANSWER_MS_MAX, chunks)) {
      if (chunk.data.length === 0) {
        if (chunk.headers?.hasError)
          throw new Error(`the snapshot of ${name} ended early: ${chunk.headers.description}`)
        return head
      }
      if (!to.write(chunk.data)) await once(to, 'drain')
      chunk.respond()
    }
    throw new Error(`the snapshot of ${name} ended early`)
  } finally {
    chunks.unsubscribe()
  }
}

/** Makes the stream of a snapshot. It must not exist. @param replicas servers of a cluster that keep it */
export async function restoreStream(
  nc: NatsConnection,
  { config, state }: SnapshotHead,
  replicas: number,
  bytes: AsyncIterable<Buffer>,
): Promise<void> {
  const { name } = config
  const head = { config: { ...config, num_replicas: replicas }, state }
  const { deliver_subject } = Receiver.parse(await askServer(nc, `STREAM.RESTORE.${name}`, JSON.stringify(head)))
  for await (const part of bytes)
    for (let at = 0; at < part.length; at += CHUNK_BYTES)
      await put(deliver_subject, part.subarray(at, at + CHUNK_BYTES))
  // An empty part is the last.
  await put(deliver_subject, Buffer.alloc(0))

  async function put(subject: string, chunk: Uint8Array): Promise<void> {
    const { data } = await nc.request(subject, chunk, { timeout: ANSWER_MS_MAX })
    if (data.length > 0) refuse(JSON.parse(Buffer.from(data).toString()), `the stream ${name} cannot be restored`)
  }
}

/** Streams whose names are among these, or begin with one that ends in `*`. */
export async function streamsNamed(jsm: JetStreamManager, names: readonly string[]): Promise<string[]> {
  const found: string[] = []
  const fits = (name: string) =>
    names.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one))
  for await (const name of jsm.streams.names()) if (fits(name)) found.push(name)
  return found.sort()
}

async function askServer(nc: NatsConnection, verb: string, body: string): Promise<unknown> {
  const { data } = await nc.request(`$JS.API.${verb}`, body, { timeout: ANSWER_MS_MAX })
  const answer: unknown = JSON.parse(Buffer.from(data).toString())
  refuse(answer, `JetStream refuses ${verb}`)
  return answer
}

function refuse(answer: unknown, what: string): void {
  const { data } = Refusal.safeParse(answer)
  if (data) throw new NatsError(`${what}: ${data.error.description}`, String(data.error.code))
}

/** @throws if nothing comes for so long */
async function* within(ms: number, messages: AsyncIterable<Msg>): AsyncIterable<Msg> {
  const iterator = messages[Symbol.asyncIterator]()
  for (;;) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`NATS has sent nothing for ${ms} ms`)), ms)
    })
    const next = await Promise.race([iterator.next(), late]).finally(() => clearTimeout(timer))
    if (next.done) return
    yield next.value
  }
}
