/** Streams of others that catch the mesh's own requests: each answers them with an acknowledgement, and fills up. */
import { CONTRACTS } from '@deed/proto/contracts'
import { MANIFEST_BUCKET } from '@deed/proto/manifest'
import type { NatsConnection } from 'nats'

const OWN = /^(WORK|EXECUTION_INTAKE_.+)$/

/** Sentences, one for each such stream. @throws when JetStream does not answer */
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

/** Each request goes to its subject, or to the subject with a principal or an instance behind it. */
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
