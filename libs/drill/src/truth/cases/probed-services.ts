/** Processes with a health probe: somebody else's server answers it, or the service answers otherwise than it should. */
import type { Case } from '../case.ts'
import { act, isUp, linux } from './services.ts'

const WAITS = ['sh', '-c', 'exec sleep 1000']
/** A server of the service's own that answers as the script says. */
const server = (port: number, answer: string): string[] => [
  ...['node', '-e'],
  `let asked = 0; require('node:http').createServer((request, response) => { asked++; ${answer} }).listen(${port}, '127.0.0.1')`,
]

/** The foreign server really listens, and answers the probe as the service should. */
const FOREIGN: readonly [string, (port: number) => string[]][] = [
  ['waits', () => WAITS],
  ['finds its port taken and ends', (port) => server(port, 'response.end()')],
  ['listens on another port', () => server(0, 'response.end()')],
  ['takes long to listen', (port) => ['sh', '-c', 'sleep 30; exec "$@"', 'sh', ...server(port, 'response.end()')]],
]

const foreign = ['start', 'restart'].flatMap((verb) =>
  FOREIGN.map(
    ([says, command]): Case => ({
      kind: `service.${verb}`,
      says: `${verb}: somebody else's server answers the probe while the service ${says}`,
      needs: linux,
      target: ({ root, web }) => {
        const { port } = new URL(web.url)
        return {
          type: 'process',
          command: command(Number(port)),
          cwd: root,
          health: { url: `${web.url}/honest/probe` },
        }
      },
      make({ name, web }) {
        web.store('probe', 'well')
        return { actions: [act(verb, name)], holds: () => false, world: () => '' }
      },
    }),
  ),
)

const status: Case = {
  kind: 'service.status',
  says: `a service that does not run counts as running, since somebody else's server answers its probe`,
  needs: linux,
  target: ({ root, web }) => ({
    type: 'process',
    command: WAITS,
    cwd: root,
    health: { url: `${web.url}/honest/probe` },
  }),
  make({ name, web }) {
    web.store('probe', 'well')
    return {
      actions: [act('status', name)],
      holds: (reply) => JSON.stringify(reply.result).includes('does not run'),
    }
  },
}

const ANSWERS: readonly [string, string][] = [
  ['answers its probe with 500', 'response.writeHead(500).end()'],
  ['answers its probe with 404', 'response.writeHead(404).end()'],
  ['takes the connection of its probe and never answers', ''],
  ['cuts the line of its probe', 'response.destroy()'],
  ['answers its probe once, and with 503 then', 'response.writeHead(asked === 1 ? 200 : 503).end()'],
  ['answers its probe once, and dies then', `response.end(); if (asked === 1) setTimeout(() => process.exit(1), 50)`],
  ['sends its probe on to another address', `response.writeHead(302, { location: '/elsewhere' }).end()`],
]

const unwell = ['start', 'restart'].flatMap((verb) =>
  ANSWERS.map(
    ([says, answer]): Case => ({
      kind: `service.${verb}`,
      says: `${verb}: a service ${says}`,
      needs: linux,
      target: ({ root, port }) => ({
        type: 'process',
        command: server(port, answer),
        cwd: root,
        health: { url: `http://127.0.0.1:${port}/`, timeout_ms: 1_000 },
      }),
      make: ({ name }) => ({ actions: [act(verb, name)], holds: () => false, world: () => '' }),
    }),
  ),
)

const STUBBORN: readonly [string, string][] = [
  ['that takes no notice of SIGTERM', `trap '' TERM; while :; do sleep 0.2; done`],
  ['that has left its session', 'setsid sleep 1000 & exec sleep 1000'],
  ['whose daemon has no parent any more', '(setsid sh -c "sleep 1000 &"); exec sleep 1000'],
  ['whose environment is empty', 'exec env -i /bin/sleep 1000'],
]

const stubborn = STUBBORN.map(
  ([says, script]): Case => ({
    kind: 'service.stop',
    says: `a service ${says} is started and stopped`,
    needs: linux,
    target: ({ root }) => ({ type: 'process', command: ['sh', '-c', script], cwd: root }),
    make: ({ root, name }) => ({ actions: [act('start', name), act('stop', name)], holds: () => !isUp(root) }),
  }),
)

const well = ['at once', 'after a second'].map(
  (when): Case => ({
    kind: 'service.start',
    says: `a service that answers its probe ${when} is started, and the start is undone`,
    needs: linux,
    target: ({ root, port }) => {
      const [node, ...rest] = server(port, 'response.end()')
      const slowly = ['sh', '-c', `sleep 1; exec "$@"`, 'sh', node!, ...rest]
      const command = when === 'at once' ? [node!, ...rest] : slowly
      return { type: 'process', command, cwd: root, health: { url: `http://127.0.0.1:${port}/` } }
    },
    make: ({ root, name }) => ({
      actions: [act('start', name)],
      holds: () => isUp(root),
      world: () => (isUp(root) ? 'up' : 'down'),
      undo: true,
    }),
  }),
)

export const probedServices = {
  lies: [...foreign, status, ...unwell],
  ordinary: [...stubborn, ...well],
}
