/** Logs of services: of real processes, and through clients that forget and rewrite them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionReply } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'
import type { Case, Place } from '../case.ts'
import { act, linux } from './services.ts'

const LOG = ['one', 'two', 'three']
const read = (name: string, more: JsonObject = {}) => ({
  kind: 'service.logs',
  input: { target: name, ...more },
})
const linesOf = ({ result }: ExecutionReply): string =>
  ((result?.data as { lines?: string[] } | undefined)?.lines ?? ['nothing']).join(',')

interface Provider {
  readonly type: string
  readonly target: NonNullable<Case['target']>
  make(place: Place, more: { log: readonly string[]; lie?: string }): void
  /** What a line is read as. */
  shown(line: string, name: string): string
}

const PROVIDERS: readonly Provider[] = [
  {
    type: 'a container',
    target: ({ name }) => ({ type: 'docker', container: name }),
    make: ({ clients, name }, more) => clients.contain(name, more),
    shown: (line) => line,
  },
  {
    type: 'a unit',
    target: ({ name }) => ({ type: 'systemd', unit: `${name}.service` }),
    make: ({ clients, name }, more) => clients.install(`${name}.service`, more),
    shown: (line) => line,
  },
  {
    type: 'a deployment',
    target: ({ name }) => ({ type: 'kubernetes', namespace: 'web', deployment: name }),
    make: ({ clients, name }, more) => clients.deploy(name, more),
    shown: (line, name) => `${name}-1/app: ${line}`,
  },
]

/** The lie, in words, and the lines that the log has by then: any other answer is none. */
const LIES: readonly [string, string, readonly string[] | undefined][] = [
  ['log-forgets', 'the log is empty when it is read again', []],
  ['log-rewrites', 'the log has other lines each time', undefined],
  ['log-cuts', 'the last line is gone when it is read again', LOG.slice(0, -1)],
  ['log-refuses', 'the log may not be read', undefined],
]

const lies = PROVIDERS.flatMap(({ type, target, make, shown }) =>
  LIES.map(
    ([lie, says, lines]): Case => ({
      kind: 'service.logs',
      says: `of ${type}: ${says}`,
      target,
      make(place) {
        make(place, { log: LOG, lie })
        const truth = lines?.map((line) => shown(line, place.name)).join(',')
        return { actions: [read(place.name)], holds: (reply) => linesOf(reply) === truth }
      },
    }),
  ),
)

const missing: Case[] = PROVIDERS.map(({ type, target }) => ({
  kind: 'service.logs',
  says: `of ${type} that is not there`,
  target,
  make: ({ name }) => ({ actions: [read(name)], holds: () => false }),
}))

const secrets: Case = {
  kind: 'service.logs',
  says: 'a password in the log is shown',
  target: ({ name }) => ({ type: 'docker', container: name }),
  make(place) {
    place.clients.contain(place.name, { log: ['password=opensesame', 'postgres://ada:opensesame@db/x'] })
    return { actions: [read(place.name)], holds: (reply) => !JSON.stringify(reply).includes('opensesame') }
  },
}

const untimed: Case = {
  kind: 'service.logs',
  says: 'lines without times are said to be of the last minute',
  needs: linux,
  target: ({ root }) => ({ type: 'process', command: ['sh', 'service.sh'], cwd: root }),
  make({ root, name }) {
    writeFileSync(join(root, 'service.sh'), 'echo one; exec sleep 1000\n')
    return {
      actions: [act('start', name), read(name, { since: '1m' }), act('stop', name)],
      holds: () => false,
      world: () => '',
    }
  },
}

const ordinary: Case[] = [
  ...PROVIDERS.flatMap(({ type, target, make, shown }) =>
    [undefined, 2].map(
      (count): Case => ({
        kind: 'service.logs',
        says: `the ${count === undefined ? 'log' : 'last two lines of the log'} of ${type} ${count === undefined ? 'is' : 'are'} read`,
        target,
        make(place) {
          make(place, { log: LOG })
          const lines = LOG.slice(count === undefined ? 0 : -count).map((line) => shown(line, place.name))
          const input: JsonObject = count === undefined ? {} : { lines: count }
          return { actions: [read(place.name, input)], holds: (reply) => linesOf(reply) === lines.join(',') }
        },
      }),
    ),
  ),
  {
    kind: 'service.logs',
    says: 'the log of a process that has ended is read',
    needs: linux,
    target: ({ root }) => ({ type: 'process', command: ['sh', 'service.sh'], cwd: root }),
    make({ root, name }) {
      writeFileSync(join(root, 'service.sh'), 'echo one; echo two; exec sleep 1000\n')
      return {
        actions: [act('start', name), act('stop', name), read(name)],
        holds: (reply) => JSON.stringify(reply.result).includes('"lines":["one","two"]'),
      }
    },
  },
]

export const logs = { lies: [...lies, ...missing, secrets, untimed], ordinary }
