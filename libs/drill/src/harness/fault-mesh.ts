/** A mesh to be broken: what is done in it leaves traces that are counted from outside. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type ServiceProcess, startService } from '@deed/local/service-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import type { ServiceName } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { type HttpWitness, openHttpWitness } from './http-witness.ts'
import { type MeshUnderTest, meshUnderTest, type Setting } from './mesh-under-test.ts'
import { openWitness, type Witness } from './witness.ts'

/** A workspace of its own, so that programs in it wait only for each other. */
export interface Yard {
  /** In execution.yaml. */
  readonly name: string
  readonly root: string
  readonly files: Witness
}

export interface FaultMesh extends MeshUnderTest {
  /** For what is done many times over. */
  readonly yards: readonly Yard[]
  /** Of the files in the workspace. */
  readonly files: Witness
  /** Of the requests to the target `witness`. */
  readonly requests: HttpWitness
  /** The content of a file in the workspace. */
  read(name: string): string
  /** Makes the service die the next time it reaches the point. */
  arm(service: ServiceName, point: string): Promise<void>
  /** Waits until the service has died, and starts it again, sound. */
  revive(service: ServiceName): Promise<void>
  /** Kills the service, and starts it with other settings. */
  restart(service: ServiceName, env: Record<string, string>): Promise<void>
  /**
   * Starts another of the service beside the first; it ends with the mesh, if not before.
   *
   * @param release root of the release that it is of; default: this one
   */
  another(service: ServiceName, env?: Record<string, string>, release?: string): Promise<ServiceProcess>
  /** Ends whatever was broken on purpose: every server and service runs, and with its own settings. */
  heal(): Promise<void>
}

const YARDS = 16
/** In each workspace, for what programs make. */
export const COUNTED_FOLDER = 'counted'

const configuration = (witnessUrl: string, roots: readonly string[]): string => `${roots.map(placed).join('\n')}
  inner: { root: ./workspace/inner }
default_workspace: main
targets:
  witness: { type: http, url: ${witnessUrl} }
  guarded: { type: http, url: ${witnessUrl}, environment: guarded }
commands: { allow: [sh] }
models: { default_timeout_seconds: 2 }
verification: { verify_delay_seconds: 0.5 }
`

const placed = (root: string): string => `  ${basename(root)}: { root: ${JSON.stringify(root)} }`

/** No agreement is asked for: what is tried here is whether things happen once, not who allows them. */
const POLICY = `
version: test
approval_ttl_seconds: 3600
self_approval: true
kinds:
  file.write: { effect: change, creates: absent }
  file.patch: { effect: change }
  file.move: { effect: change }
  file.copy: { effect: create }
  file.delete: { effect: delete }
  dir.create: { effect: create }
  command.run: { effect: run }
  http.request: { effect: change, reads_with: [GET, HEAD] }
levels:
  - { kinds: [code.generate], level: 1, why: somebody reads the code first }
  - { level: 0, why: nobody is asked in this test }
raises:
  - { environment: [guarded], effect: [change], level: 1, why: somebody is asked here }
`

const RULES = `
pack: witness
version: 1
description: An effect that is counted elsewhere
world:
  targets:
    witness: { type: http, url: http://127.0.0.1:1 }
    guarded: { type: http, url: http://127.0.0.1:1, environment: guarded }
rules:
  - name: tell-guarded
    match:
      - tell the guarded witness {text:quoted}
    actions:
      - title: tell the guarded witness {{text}}
        kind: http.request
        input: { method: POST, target: guarded, path: "/effects/{{text}}" }
        verify: { kind: http, target: guarded, path: "/effects/{{text}}" }
    tests:
      - say: tell the guarded witness "hello"
        actions: [{ kind: http.request, input: { method: POST, path: /effects/hello } }]
  - name: patch
    match:
      - patch the middle of {file:path}
    actions:
      - title: patch {{file}}
        kind: file.patch
        input: { path: "{{file}}", diff: "@@ -1,3 +1,3 @@\\n first\\n-old\\n+new\\n last\\n" }
    tests:
      - say: patch the middle of a.txt
        actions: [{ kind: file.patch, input: { path: a.txt } }]
  - name: tell
    match:
      - tell the witness {text:quoted}
    actions:
      - title: tell the witness {{text}}
        kind: http.request
        input: { method: POST, target: witness, path: "/effects/{{text}}" }
        verify: { kind: http, target: witness, path: "/effects/{{text}}" }
    tests:
      - say: tell the witness "hello"
        actions: [{ kind: http.request, input: { method: POST, path: /effects/hello } }]
`

/** Says that it runs, takes its time, and leaves a file. A second run would leave a second line. */
const COUNTING = `echo run >> "$1.runs"\nsleep "$2"\ncp "$1.runs" "$1.out"\n`
/** Says that it has made a file, and has not. */
const CLAIMING = `echo "wrote $1.out"\n`

export async function faultMesh(setting: Setting = {}): Promise<FaultMesh> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  const requests = opened.use(await openHttpWitness())
  const policy = join(folder.path, 'policy.yaml')
  writeFileSync(policy, POLICY)
  const rules = join(folder.path, 'rules')
  mkdirSync(rules)
  writeFileSync(join(rules, 'witness.yaml'), RULES)
  const roots = Array.from({ length: YARDS }, (_, index) => join(folder.path, `yard-${index}`))
  for (const root of roots) mkdirSync(root)
  const under = opened.use(
    await meshUnderTest({
      supervise: false,
      thinkers: 'apart',
      ...setting,
      config: `${configuration(requests.url, roots)}${setting.config ?? ''}`,
      env: { LOG_LEVEL: 'info', DEED_POLICY: policy, RULES_DIR: rules, ...setting.env },
    }),
  )
  for (const root of [under.workspace, ...roots]) {
    writeFileSync(join(root, 'count.sh'), COUNTING)
    writeFileSync(join(root, 'claim.sh'), CLAIMING)
    mkdirSync(join(root, COUNTED_FOLDER))
  }
  const yards = roots.map((root) => ({ name: basename(root), root, files: opened.use(openWitness(root)) }))
  const files = opened.use(openWitness(under.workspace))
  const { mesh } = under
  /** Those that do not run with their own settings. */
  const altered = new Set<ServiceName>()
  let copies = 0
  const restart = async (name: ServiceName, env: Record<string, string>): Promise<void> => {
    altered.add(name)
    await mesh.service(name).kill()
    await mesh.service(name).start({ ...mesh.environmentOf(name), ...env })
  }
  const restore = async (name: ServiceName): Promise<void> => {
    const service = mesh.service(name)
    if (altered.delete(name)) await service.kill()
    else if (service.pid !== undefined) process.kill(service.pid, 'SIGCONT')
    await service.start(mesh.environmentOf(name))
  }
  const kept = opened.move()
  return {
    ...under,
    yards,
    files,
    requests,
    read: (name) => readFileSync(join(under.workspace, name), 'utf8'),
    async arm(name, point) {
      await restore(name)
      altered.add(name)
      await mesh.service(name).crashAt(`${name}.${point}`)
    },
    async revive(name) {
      await until(() => mesh.service(name).pid === undefined, { what: `the death of the ${name}` })
      await restore(name)
    },
    restart,
    async another(service, env = {}, release) {
      const settings = { ...mesh.environmentOf(service), ...env }
      const logDir = join(mesh.dataDir, 'logs')
      return kept.use(await startService({ service, copy: ++copies, env: settings, logDir, supervise: false, release }))
    },
    async heal() {
      await Promise.all([mesh.nats?.start(), mesh.postgres?.start()])
      await Promise.all(SERVICES.map(restore))
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
