/** Facts of the host, compared with what Node says of it, and processes that pretend to be others. */
import { readFileSync, statfsSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { ExecutionReply } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'
import type { Case } from '../case.ts'
import { act, linux } from './services.ts'

const read = (input: JsonObject) => ({ kind: 'host.facts', input })
const dataOf = ({ result }: ExecutionReply) => (result?.data ?? {}) as Record<string, unknown>

interface Listening {
  port: number
  pid: number | null
  program: string | null
}
const portsOf = (reply: ExecutionReply): Listening[] => (dataOf(reply).ports ?? []) as Listening[]

/** A service that listens, and says to the process table what it likes. */
const service = (says: string, script: string, holds: (reply: ExecutionReply, port: number) => boolean): Case => ({
  kind: 'host.facts',
  says,
  needs: linux,
  target: ({ root, port }) => ({
    type: 'process',
    command: ['node', '-e', script, 'password=opensesame'],
    cwd: root,
    env: { PORT: String(port) },
    health: { url: `http://127.0.0.1:${port}/` },
  }),
  make: ({ name, port }) => ({
    actions: [act('start', name), read({ facts: ['ports', 'processes'], port }), act('stop', name)],
    holds: (reply) => !JSON.stringify(reply.result).includes('opensesame') && holds(reply, port),
    world: () => '',
  }),
})

const LISTEN =
  "require('node:http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1')"
const lastOf = (reply: ExecutionReply): Listening[] => {
  const { data } = reply.result ?? {}
  const parts = (Array.isArray(data) ? data : [data]) as { ports?: Listening[] }[]
  return parts.flatMap((part) => part?.ports ?? [])
}
const isNode = (reply: ExecutionReply, port: number): boolean =>
  lastOf(reply).some((one) => one.port === port && one.program === 'node' && one.pid !== null)

const lies: Case[] = [
  service(
    'a process that calls itself by another name is that program',
    `process.title = 'postgres'; ${LISTEN}`,
    isNode,
  ),
  service('the arguments of a process are shown', LISTEN, isNode),
  {
    kind: 'host.facts',
    says: 'a port on which nobody listens is held',
    needs: linux,
    make: ({ port }) => ({
      actions: [read({ facts: ['ports'], port })],
      holds: (reply) => portsOf(reply).length === 0,
    }),
  },
  {
    kind: 'host.facts',
    says: 'a fact that nobody can read is made up',
    make: () => ({ actions: [read({ facts: ['weather'] })], holds: () => false }),
  },
]

const ordinary: Case[] = [
  {
    kind: 'host.facts',
    says: 'the memory is that of the host',
    needs: linux,
    make: () => ({
      actions: [read({ facts: ['memory'] })],
      holds: (reply) => (dataOf(reply).memory as { total_bytes?: number })?.total_bytes === totalmem(),
    }),
  },
  {
    kind: 'host.facts',
    says: 'the disk is that of the host',
    needs: linux,
    make: () => ({
      actions: [read({ facts: ['disk'] })],
      holds(reply) {
        const { blocks, bsize } = statfsSync('/')
        const disks = (dataOf(reply).disk ?? []) as { mount: string; total_bytes: number }[]
        return disks.some(({ mount, total_bytes }) => mount === '/' && total_bytes === blocks * bsize)
      },
    }),
  },
  {
    kind: 'host.facts',
    says: 'load and uptime are those of the host',
    needs: linux,
    make: () => ({
      actions: [read({ facts: ['load', 'uptime'] })],
      holds(reply) {
        const now = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
        const { seconds } = dataOf(reply).uptime as { seconds: number }
        return seconds <= now && seconds > now - 3_600
      },
    }),
  },
  {
    kind: 'host.facts',
    says: 'the holder of a port is named',
    needs: linux,
    make: ({ web }) => ({
      actions: [read({ facts: ['ports'], port: Number(new URL(web.url).port) })],
      holds: (reply) => portsOf(reply).some(({ pid }) => pid === process.pid),
    }),
  },
]

export const host = { lies, ordinary }
