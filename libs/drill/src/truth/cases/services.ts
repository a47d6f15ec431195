/** Services: processes that die, and clients of Docker and Kubernetes that only claim. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { JsonObject } from '@deed/proto/json'
import type { Case, Place, Trial } from '../case.ts'
import type { FakeContainer, FakeDeployment } from '../fake-clients.ts'

export const act = (verb: string, name: string) => ({
  kind: `service.${verb}`,
  input: { target: name },
  timeout_ms: 60_000,
})

/** The processes whose working folder is the case's: nothing else on the host has it. */
function processesOf(root: string): { pid: number; command: string }[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      if (readlinkSync(`/proc/${pid}/cwd`) !== root) return []
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return []
      return [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }]
    } catch {
      return []
    }
  })
}

export const isUp = (root: string): boolean => processesOf(root).length > 0
export const linux: NonNullable<Case['needs']> = ({ linux }) => (linux ? undefined : 'there is no /proc')

const DIES: readonly [string, string][] = [
  ['a service ends at once', 'exit 0'],
  ['a service fails at once', 'exit 1'],
  ['a service dies a little later', 'sleep 0.1; exit 1'],
  ['a service says that it listens, and ends', 'echo listening on 8080; exit 0'],
  ['a service kills itself', 'kill -9 $$'],
  ['a service goes into the background and dies there', 'sh -c "exit 1" & exit 0'],
]

const dies: Case[] = DIES.flatMap(([says, script]) =>
  ['start', 'restart'].map(
    (verb): Case => ({
      kind: `service.${verb}`,
      says: `${verb}: ${says}`,
      needs: linux,
      target: ({ root }) => ({ type: 'process', command: ['sh', '-c', script], cwd: root }),
      make: ({ root, name }) => ({ actions: [act(verb, name)], holds: () => isUp(root), world: () => '' }),
    }),
  ),
)

const noProgram: Case[] = ['start', 'restart'].map((verb) => ({
  kind: `service.${verb}`,
  says: `${verb}: the program of a service is missing`,
  needs: linux,
  target: ({ root }) => ({ type: 'process', command: ['/nonexistent/program'], cwd: root }),
  make: ({ root, name }) => ({ actions: [act(verb, name)], holds: () => isUp(root) }),
}))

const LOOP = ['sh', '-c', 'while :; do sleep 0.2; done']
const SERVICES: readonly [string, string[]][] = [
  ['a service that loops', LOOP],
  ['a service of two processes', ['sh', '-c', 'sleep 1000 & exec sleep 1000']],
  ['a service that changes its title', ['node', '-e', "process.title = 'renamed'; setInterval(() => {}, 1000)"]],
]

const everyday: Case[] = SERVICES.flatMap(([says, command]): Case[] => {
  const target: Case['target'] = ({ root }) => ({ type: 'process', command, cwd: root })
  const trial = ({ root, name }: Place, verbs: string[], up: boolean, undo?: true): Trial => ({
    actions: verbs.map((verb) => act(verb, name)),
    holds: () => isUp(root) === up,
    world: () => (isUp(root) ? 'up' : 'down'),
    ...(undo ? { undo } : {}),
  })
  const one = (verb: string, what: string, verbs: string[], up: boolean, undo?: true): Case => ({
    kind: `service.${verb}`,
    says: `${says} is ${what}`,
    needs: linux,
    target,
    make: (place) => trial(place, verbs, up, undo),
  })
  return [
    one('start', 'started, and the start is undone', ['start'], true, true),
    one('stop', 'started and stopped', ['start', 'stop'], false),
    one('stop', 'stopped though it does not run', ['stop'], false),
    one('restart', 'started, restarted and stopped', ['start', 'restart', 'stop'], false),
    one('status', 'looked at while it does not run', ['status'], false),
  ]
})

const STATES = (place: Place): FakeDeployment => place.clients.deployment(place.name)
const shown = (place: Place): string => {
  const { replicas, images, existing, ready } = STATES(place)
  return JSON.stringify({ replicas, images, existing, ready })
}
const cluster: Case['target'] = ({ name }) => ({ type: 'kubernetes', namespace: 'web', deployment: name })
const isReady = ({ replicas, existing, updated, ready, observed, generation }: FakeDeployment): boolean =>
  existing === replicas && updated === replicas && ready === replicas && observed >= generation

interface Change {
  kind: string
  what: string
  input: JsonObject
  lies: readonly string[]
  undoLies: readonly string[]
  holds(state: FakeDeployment): boolean
}

const POD_LIES = [
  'claims',
  'refuses',
  'not-ready',
  'one-not-ready',
  'stale',
  'old-pods',
  'extra-pods',
  'none-exist',
  'ready-then-crash',
  'get-times-out',
]
const CHANGES: readonly Change[] = [
  {
    kind: 'kubernetes.scale',
    what: 'more pods',
    input: { replicas: 5 },
    lies: ['half', 'one-more', 'scaled-back'],
    undoLies: ['undo-claims', 'undo-half', 'undo-one-more', 'undo-not-ready', 'undo-old-pods', 'undo-extra-pods'],
    holds: (state) => state.replicas === 5 && isReady(state),
  },
  {
    kind: 'kubernetes.scale',
    what: 'fewer pods',
    input: { replicas: 1 },
    lies: ['one-more', 'scaled-back'],
    undoLies: ['undo-claims', 'undo-one-more', 'undo-not-ready', 'undo-none-exist'],
    holds: (state) => state.replicas === 1 && isReady(state),
  },
  {
    kind: 'kubernetes.rollout',
    what: 'a new image',
    input: { image: 'shop:2', container: 'app' },
    lies: ['other-container', 'other-tag', 'reverts'],
    undoLies: ['undo-claims', 'undo-other-revision', 'undo-drops-container', 'undo-not-ready', 'undo-recreated-empty'],
    holds: (state) => state.images.app === 'shop:2' && state.images.side === 'side:1' && isReady(state),
  },
  {
    kind: 'kubernetes.rollout',
    what: 'new pods',
    input: {},
    lies: ['same-revision'],
    undoLies: [],
    holds: (state) => state.restarted > 0 && isReady(state),
  },
]
const WORDS: Record<string, string> = {
  claims: 'kubectl says done and nothing changes',
  refuses: 'the cluster forbids it',
  'not-ready': 'none of the pods becomes ready',
  'one-not-ready': 'one of the pods does not become ready',
  stale: 'the controller has not seen the change yet',
  'old-pods': 'a pod of the old template runs on',
  'extra-pods': 'a pod too many runs on',
  'none-exist': 'no pod exists',
  'ready-then-crash': 'the pods are ready once and crash then',
  'get-times-out': 'the cluster cannot be reached afterwards',
  half: 'half of the pods come',
  'one-more': 'one pod more comes than was wanted',
  'scaled-back': 'somebody scales it back at once',
  'other-container': 'the image of another container changes',
  'other-tag': 'another tag is rolled out',
  reverts: 'the image is put back at once',
  'same-revision': 'the restart makes no new revision',
  'other-revision': 'another revision is rolled back to',
  'drops-container': 'a container is missing afterwards',
  'recreated-empty': 'the deployment is made again with other images',
}

const clusterLies: Case[] = CHANGES.flatMap(({ kind, what, input, lies, undoLies, holds }) =>
  [...POD_LIES, ...lies, ...undoLies].map((lie): Case => {
    const undoing = lie.startsWith('undo-')
    return {
      kind,
      says: `${what}: ${undoing ? 'of the undo, ' : ''}${WORDS[lie.replace('undo-', '')]}`,
      target: cluster,
      make(place) {
        place.clients.deploy(place.name, { replicas: 2, images: { app: 'shop:1', side: 'side:1' }, lie })
        return {
          actions: [{ kind, input: { target: place.name, ...input }, timeout_ms: 15_000 }],
          holds: () => holds(STATES(place)),
          world: () => shown(place),
          ...(undoing ? { undo: true as const } : {}),
        }
      },
    }
  }),
)

const clusterOrdinary: Case[] = [
  ...[0, 1, 3, 10].map(
    (replicas): Case => ({
      kind: 'kubernetes.scale',
      says: `a deployment is scaled to ${replicas}, and back`,
      target: cluster,
      make(place) {
        place.clients.deploy(place.name)
        return {
          actions: [{ kind: 'kubernetes.scale', input: { target: place.name, replicas } }],
          holds: () => STATES(place).replicas === replicas,
          world: () => shown(place),
          undo: true,
        }
      },
    }),
  ),
  ...['shop:2', 'registry.example.com/shop:1.4.2', 'shop@sha256:aa'].map(
    (image): Case => ({
      kind: 'kubernetes.rollout',
      says: `${image} is rolled out, and back`,
      target: cluster,
      make(place) {
        place.clients.deploy(place.name)
        return {
          actions: [{ kind: 'kubernetes.rollout', input: { target: place.name, image } }],
          holds: () => STATES(place).images.app === image,
          world: () => shown(place),
          undo: true,
        }
      },
    }),
  ),
  {
    kind: 'kubernetes.rollout',
    says: 'the pods are made again',
    target: cluster,
    make(place) {
      place.clients.deploy(place.name)
      return {
        actions: [{ kind: 'kubernetes.rollout', input: { target: place.name } }],
        holds: () => STATES(place).restarted === 1,
      }
    },
  },
  ...['start', 'stop', 'restart', 'status'].map(
    (verb): Case => ({
      kind: `service.${verb}`,
      says: `${verb}: a deployment`,
      target: cluster,
      make(place) {
        place.clients.deploy(place.name, { replicas: verb === 'start' ? 0 : 2 })
        return { actions: [act(verb, place.name)], holds: () => (STATES(place).replicas === 0) === (verb === 'stop') }
      },
    }),
  ),
]

const box = (place: Place): FakeContainer => place.clients.container(place.name)
const container: Case['target'] = ({ name }) => ({ type: 'docker', container: name })
const CONTAINER_LIES: readonly [string, string, string, Partial<FakeContainer>][] = [
  ['start', 'claims', 'docker prints the name and starts nothing', { running: false }],
  ['start', 'dies', 'the container ends at once', { running: false }],
  ['start', 'unhealthy', 'the container is not healthy', { running: false, health: 'healthy' }],
  ['start', 'refuses', 'the daemon refuses', { running: false }],
  ['stop', 'claims', 'docker prints the name and stops nothing', {}],
  ['stop', 'comes-back', 'a restart policy starts the container again', {}],
  ['stop', 'same-process-kept', 'the process ignores the stop', {}],
  ['stop', 'refuses', 'the daemon refuses', {}],
  ['restart', 'claims', 'docker prints the name and does nothing', {}],
  ['restart', 'stop-claims', 'the stop does nothing, and the start finds it running', {}],
  ['restart', 'start-claims', 'it is stopped and never started', {}],
  ['restart', 'same-process', 'it runs as the very process that ran before', {}],
  ['restart', 'dies', 'it ends at once after the restart', {}],
  ['restart', 'unhealthy', 'it is not healthy after the restart', { health: 'healthy' }],
]

const containerLies: Case[] = CONTAINER_LIES.map(([verb, lie, says, given]) => ({
  kind: `service.${verb}`,
  says: `${verb} of a container: ${says}`,
  target: container,
  make(place) {
    place.clients.contain(place.name, { ...given, lie })
    const before = box(place)
    return {
      actions: [act(verb, place.name)],
      holds() {
        const { running, health, pid } = box(place)
        if (verb === 'stop') return !running
        return running && (health === undefined || health === 'healthy') && (verb !== 'restart' || pid !== before.pid)
      },
      world: () => '',
    }
  },
}))

/** What a container really is, and what a reading of it must not say. */
const STATUSES: readonly [string, Partial<FakeContainer>, string][] = [
  ['a container that is not healthy counts as healthy', { health: 'unhealthy' }, 'unhealthy'],
  ['a container that still starts counts as healthy', { health: 'starting' }, 'starting'],
  ['a container that has ended counts as running', { running: false }, 'does not run'],
]

const statusLies: Case[] = STATUSES.map(([says, given, word]) => ({
  kind: 'service.status',
  says,
  target: container,
  make(place) {
    place.clients.contain(place.name, given)
    return { actions: [act('status', place.name)], holds: (reply) => JSON.stringify(reply.result).includes(word) }
  },
}))

const containerOrdinary: Case[] = ['start', 'stop', 'restart', 'status'].flatMap((verb) =>
  [undefined, 'healthy'].map((health) => ({
    kind: `service.${verb}`,
    says: `${verb} of a container${health ? ' with a health check' : ''}${verb === 'status' ? '' : ', and undone'}`,
    target: container,
    make(place: Place): Trial {
      place.clients.contain(place.name, { running: verb !== 'start', ...(health ? { health } : {}) })
      return {
        actions: [act(verb, place.name)],
        holds: () => box(place).running === (verb !== 'stop'),
        world: () => String(box(place).running),
        ...(verb === 'status' ? {} : { undo: true as const }),
      }
    },
  })),
)

export const services = {
  lies: [...dies, ...noProgram, ...clusterLies, ...containerLies, ...statusLies],
  ordinary: [...everyday, ...clusterOrdinary, ...containerOrdinary],
}
