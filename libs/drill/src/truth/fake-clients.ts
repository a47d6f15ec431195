/**
 * Programs that speak as `kubectl` 1.32, `docker` 27 and `systemctl` 255 do, for deployments, containers and units that are
 * files here. What one really is, is in its file; how its client lies when it is asked to change it, too.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FakeUnit, JOURNALCTL, SYSTEMCTL, UNIT } from './fake-systemctl.ts'

export interface FakeDeployment {
  uid: string
  generation: number
  observed: number
  revision: number
  replicas: number
  existing: number
  updated: number
  ready: number
  images: Record<string, string>
  restarted: number
  kept?: string
  history: Record<string, { images: Record<string, string>; restarted: number }>
  /** How often it was asked to change. */
  changes: number
  log?: readonly string[]
  lie?: string
}

export interface FakeContainer {
  running: boolean
  pid: number
  started: string
  health?: string
  starts: number
  log?: readonly string[]
  lie?: string
}

export interface FakeClients {
  /** To be first on the PATH of the executor. */
  readonly folder: string
  deploy(name: string, more?: Partial<FakeDeployment>): void
  deployment(name: string): FakeDeployment
  contain(name: string, more?: Partial<FakeContainer>): void
  container(name: string): FakeContainer
  install(name: string, more?: Partial<FakeUnit>): void
  unit(name: string): FakeUnit
}

export function fakeClients(folder: string): FakeClients {
  mkdirSync(folder)
  const programs = { kubectl: KUBECTL, docker: DOCKER, systemctl: SHARED + SYSTEMCTL, journalctl: SHARED + JOURNALCTL }
  for (const [program, text] of Object.entries(programs)) {
    writeFileSync(join(folder, program), `#!${process.execPath}\n${text}`)
    chmodSync(join(folder, program), 0o755)
  }
  const write = (name: string, state: object): void =>
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(state))
  const read = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
  return {
    folder,
    deploy(name, more = {}) {
      const images = more.images ?? { app: 'shop:1' }
      const replicas = more.replicas ?? 2
      const same = { replicas, existing: replicas, updated: replicas, ready: replicas, images }
      const counts = { generation: 7, observed: 7, revision: 4, restarted: 0, changes: 0 }
      write(name, { uid: 'u-1', ...counts, ...same, history: { 4: { images, restarted: 0 } }, ...more })
    },
    deployment: read,
    contain: (name, more = {}) =>
      write(name, { running: true, pid: 4242, started: '2024-01-01T00:00:00Z', starts: 0, ...more }),
    container: read,
    install: (name, more = {}) => write(name, { ...UNIT, ...more }),
    unit: read,
  }
}

const SHARED = `const { readFileSync, writeFileSync, renameSync } = require('node:fs')
const argv = process.argv.slice(2)
const fileOf = (name) => __dirname + '/' + name + '.json'
const load = (name, missing) => {
  try { return JSON.parse(readFileSync(fileOf(name), 'utf8')) } catch { process.stderr.write(missing); process.exit(1) }
}
const save = (name, state) => {
  writeFileSync(fileOf(name) + '.new', JSON.stringify(state))
  renameSync(fileOf(name) + '.new', fileOf(name))
}
const fail = (text) => { process.stderr.write(text + '\\n'); process.exit(1) }
const logOf = (name, state) => {
  const reads = state.reads = (state.reads ?? 0) + 1
  save(name, state)
  const log = state.log ?? []
  if (state.lie === 'log-refuses') fail('permission denied')
  if (state.lie === 'log-forgets' && reads > 1) return []
  if (state.lie === 'log-rewrites') return log.map((line) => line + ' ' + reads)
  if (state.lie === 'log-cuts' && reads > 1) return log.slice(0, -1)
  return log
}
const stamped = (lines) => lines.map((line) => '2024-01-01T00:00:00.000000000Z ' + line + '\\n').join('')
`

const KUBECTL = `${SHARED}
const plain = argv.filter((one) => !one.startsWith('--'))
const option = (name) => argv.find((one) => one.startsWith('--' + name + '='))?.split('=').slice(1).join('=')
const name = (plain.find((one) => one.startsWith('deployment/')) ?? '').split('/')[1]
const state = load(name, 'Error from server (NotFound): deployments.apps "' + name + '" not found\\n')
const verb = plain[0] === 'rollout' || plain[0] === 'set' ? plain[0] + ' ' + plain[1] : plain[0]
const lie = state.lie ?? ''
const whole = () => { state.observed = state.generation; state.existing = state.updated = state.ready = state.replicas }
const newRevision = () => {
  state.revision++
  state.history[state.revision] = { images: { ...state.images }, restarted: state.restarted }
}
if (verb === 'logs') {
  process.stdout.write(stamped(logOf(name, state)).replace(/^/gm, '[pod/' + name + '-1/app] ').replace(/\\[pod[^\\]]*\\] $/, ''))
  process.exit(0)
}
if (verb === 'get') {
  if (lie === 'ready-then-crash' && state.changes > 0) {
    state.looks = (state.looks ?? 0) + 1
    if (state.looks > 1) { state.ready = 0; save(name, state) }
  }
  if (lie === 'get-times-out' && state.changes > 0) fail('Unable to connect to the server: net/http: TLS handshake timeout')
  process.stdout.write(JSON.stringify({
    apiVersion: 'apps/v1', kind: 'Deployment',
    metadata: { name, namespace: 'web', uid: state.uid, generation: state.generation, annotations: {
      'deployment.kubernetes.io/revision': String(state.revision),
      ...(state.kept === undefined ? {} : { 'deed/replicas': state.kept }) } },
    spec: { replicas: state.replicas, template: {
      metadata: { labels: { app: name }, ...(state.restarted ? { annotations: { 'kubectl.kubernetes.io/restartedAt': String(state.restarted) } } : {}) },
      spec: { containers: Object.entries(state.images).map(([name, image]) => ({ name, image })) } } },
    status: { observedGeneration: state.observed, replicas: state.existing, updatedReplicas: state.updated, readyReplicas: state.ready, availableReplicas: state.ready },
  }))
} else if (verb === 'rollout status') {
  process.stdout.write('deployment "' + name + '" successfully rolled out\\n')
} else if (verb === 'annotate') {
  state.kept = plain.at(-1).split('=')[1]
  save(name, state)
} else {
  state.changes++
  const undoing = state.changes > 1
  const on = (what) => lie === what || (undoing && lie === 'undo-' + what)
  const done = () => { save(name, state); process.stdout.write('deployment.apps/' + name + ' ' + verb + 'd\\n'); process.exit(0) }
  if (on('claims')) { save(name, state); process.stdout.write('deployment.apps/' + name + ' scaled\\n'); process.exit(0) }
  if (on('refuses')) { save(name, state); fail('Error from server (Forbidden): deployments.apps "' + name + '" is forbidden') }
  const from = { replicas: state.replicas, images: { ...state.images }, restarted: state.restarted, revision: state.revision }
  if (verb === 'scale') {
    const current = option('current-replicas')
    if (current !== undefined && Number(current) !== state.replicas) { save(name, state); fail('error: Expected replicas to be ' + current + ', was ' + state.replicas) }
    state.replicas = Number(option('replicas'))
    state.generation++
    if (on('half')) state.replicas = Math.round((from.replicas + state.replicas) / 2)
    if (on('one-more')) state.replicas++
    if (on('scaled-back')) state.replicas = from.replicas
  } else if (verb === 'set image') {
    const [container, image] = plain.at(-1).split('=')
    state.images[on('other-container') ? Object.keys(state.images).find((one) => one !== container) ?? container : container] = on('other-tag') ? image + '-old' : image
    state.generation++
    if (on('reverts')) state.images = from.images
    newRevision()
  } else if (verb === 'rollout restart') {
    state.generation++
    if (!on('same-revision')) { state.restarted++; newRevision() }
  } else if (verb === 'rollout undo') {
    const to = state.history[on('other-revision') ? state.revision : option('to-revision')]
    if (!to) { save(name, state); fail('error: unable to find specified revision ' + option('to-revision') + ' in history') }
    state.images = { ...to.images }; state.restarted = to.restarted
    state.generation++
    if (on('drops-container')) delete state.images[Object.keys(state.images).at(-1)]
    newRevision()
  } else { save(name, state); fail('error: unknown command ' + verb) }
  whole()
  if (on('not-ready')) state.ready = 0
  if (on('one-not-ready')) state.ready = Math.max(0, state.ready - 1)
  if (on('stale')) state.observed = state.generation - 1
  if (on('old-pods')) state.updated = Math.max(0, state.updated - 1)
  if (on('extra-pods')) state.existing++
  if (on('none-exist')) { state.existing = 0; state.ready = 0 }
  if (on('recreated-empty')) { state.uid = 'u-2'; state.images = Object.fromEntries(Object.keys(state.images).map((one) => [one, 'pause:3'])) }
  if (on('does-and-errs')) { save(name, state); fail('Error from server (Timeout): the server was unable to return a response in time') }
  done()
}
`

const DOCKER = `${SHARED}
const [, verb] = argv
const name = argv.at(-1)
const state = load(name, 'Error response from daemon: No such container: ' + name + '\\n')
const start = () => { state.running = true; state.pid += 7; state.starts++; state.started = new Date(Date.UTC(2024, 0, 2 + state.starts)).toISOString() }
if (verb === 'inspect') {
  const { running, pid, started, health } = state
  process.stdout.write(JSON.stringify([{ State: { Running: running, Pid: running ? pid : 0, StartedAt: started, Status: running ? 'running' : 'exited', ...(health ? { Health: { Status: health } } : {}) } }]))
  process.exit(0)
}
if (verb === 'logs') {
  process.stdout.write(stamped(logOf(name, state)))
  process.exit(0)
}
const { lie = '' } = state
if (lie === 'claims' || lie === verb + '-claims') {
} else if (lie === 'refuses') fail('Error response from daemon: permission denied')
else if (verb === 'start') {
  if (!state.running || lie === 'always-starts') start()
  if (lie === 'dies') state.running = false
  if (lie === 'unhealthy') state.health = 'unhealthy'
  if (lie === 'same-process') { state.pid -= 7; state.started = '2024-01-01T00:00:00Z' }
} else if (verb === 'stop') {
  state.running = false
  if (lie === 'comes-back') start()
  if (lie === 'same-process-kept') state.running = true
}
save(name, state)
if (lie === 'does-and-errs') fail('Error response from daemon: context deadline exceeded')
process.stdout.write(name + '\\n')
`
