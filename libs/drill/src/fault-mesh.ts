/** A mesh to be broken: what is done in it leaves traces that are counted from outside. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/embedded/temporary-folder'
import { until } from '@deed/mesh/until'
import type { ServiceName } from '@deed/proto/contract'
import { type HttpWitness, openHttpWitness } from './http-witness.ts'
import { type MeshUnderTest, meshUnderTest, type Setting } from './mesh-under-test.ts'
import { openWitness, type Witness } from './witness.ts'

export interface FaultMesh extends MeshUnderTest {
  /** Of the files in the workspace. */
  readonly files: Witness
  /** Of the requests to the target `witness`. */
  readonly requests: HttpWitness
  /** The content of a file in the workspace. */
  read(name: string): string
  /** Starts the service so that it dies at the point, and with other settings where they are given. */
  arm(service: ServiceName, point: string, env?: Record<string, string>): Promise<void>
  /** Waits until the service has died, and starts it again, sound. */
  revive(service: ServiceName): Promise<void>
}

/** No agreement is asked for: what is tried here is whether things happen once, not who allows them. */
const POLICY = `
version: test
approval_ttl_seconds: 3600
self_approval: true
kinds:
  file.write: { effect: change, creates: absent }
  command.run: { effect: run }
  http.request: { effect: change, reads_with: [GET, HEAD] }
levels:
  - { level: 0, why: nobody is asked in this test }
raises: []
`

const RULES = `
pack: witness
version: 1
description: An effect that is counted elsewhere
world:
  targets: { witness: { type: http, url: http://127.0.0.1:1 } }
rules:
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

export async function faultMesh(setting: Setting = {}): Promise<FaultMesh> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  const requests = opened.use(await openHttpWitness())
  const policy = join(folder.path, 'policy.yaml')
  writeFileSync(policy, POLICY)
  const rules = join(folder.path, 'rules')
  mkdirSync(rules)
  writeFileSync(join(rules, 'witness.yaml'), RULES)
  const under = opened.use(
    await meshUnderTest({
      supervise: false,
      config: `targets:\n  witness: { type: http, url: ${requests.url} }\ncommands: { allow: [sh] }\n`,
      ...setting,
      env: { DEED_POLICY: policy, RULES_DIR: rules, ...setting.env },
    }),
  )
  writeFileSync(join(under.workspace, 'count.sh'), COUNTING)
  const files = opened.use(openWitness(under.workspace))
  const kept = opened.move()
  const { mesh } = under
  return {
    ...under,
    files,
    requests,
    read: (name) => readFileSync(join(under.workspace, name), 'utf8'),
    async arm(name, point, env = {}) {
      const service = mesh.service(name)
      await service.kill()
      await service.start({ ...mesh.environmentOf(name), ...env, DEED_CRASH_AT: `${name}.${point}` })
    },
    async revive(name) {
      const service = mesh.service(name)
      await until(() => service.pid === undefined, { what: `the death of the ${name}` })
      await service.start(mesh.environmentOf(name))
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
