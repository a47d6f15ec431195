/** Finds foreign streams that capture the mesh's own requests: each acknowledges them, and fills up. */
import { CONTRACTS } from '@deed/proto/contracts'
import { MANIFEST_BUCKET } from '@deed/proto/manifest'
import type { NatsConnection } from 'nats'

const OWN = /^(WORK|EXECUTION_INTAKE_.+)$/

/** A message for each such stream. @throws if JetStream does not answer */
export async function foreignStreams(nc: NatsConnection): Promise<string[]> {
  const jsm = await nc.jetstreamManager()
  const found: string[] = []
  for await (const name of jsm.streams.names()) {
    if (OWN.test(name) || name === `OBJ_${MANIFEST_BUCKET}`) continue
    const { subjects = [], no_ack: silent } = (await jsm.streams.info(name)).config
    const caught = subjects.filter((subject) => REQUESTS.some((request) => overlap(subject, request)))
    if (caught.length === 0 || silent) continue
    found.push(`stream ${name} also takes ${caught.join(', ')}: it acknowledges requests before they are answered`)
  }
  return found
}

/** Each request uses its subject, or the subject followed by a principal or an instance. */
const REQUESTS = CONTRACTS.filter(({ type }) => type === 'request').flatMap(({ subject }) => [
  subject,
  `${subject}.*`,
  `${subject}.*.*`,
])

/** Whether some subject matches both patterns, of which only the first may end in `>`. */
export function overlap(one: string, other: string): boolean {
  const [left, right] = [one.split('.'), other.split('.')]
  for (const [index, token] of left.entries()) {
    if (token === '>') return right.length > index
    const beside = right[index]
    if (beside === undefined || (token !== '*' && beside !== '*' && token !== beside)) return false
  }
  return left.length === right.length
}
