/** Two releases side by side: each service meets the others' next release and their last, while work continues. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '@deed/local/service-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import type { ServiceName } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import type { Fault } from '../harness/fault.ts'
import type { FaultMesh } from '../harness/fault-mesh.ts'
import { makeNextRelease, NEXT_FIELD, NEXT_MIGRATION, needsSource } from '../harness/next-release.ts'
import { underLoad } from '../harness/under-load.ts'

const TOGETHER_MS = 2_000
const WORKERS = SERVICES.filter((service) => service !== 'orchestrator')
/** Said by workers and by the orchestrator: in each mixing some are of the one release, some of the other. */
const INSIDE_SUBJECTS = ['worker.heartbeat.>', 'task.report.>', 'work.act.>', 'agent.process', 'action.inspect']
const REFUSALS_MIN = 5

export const versions: Fault = {
  id: 'F45',
  title: 'old and new releases run together, and a migration takes its time',
  needs: needsSource,
  async run(trial) {
    const { mesh } = trial
    using folder = temporaryFolder()
    const next = makeNextRelease(folder.path)
    using heard = listen(mesh)
    await using unknown = askUnknown(mesh)
    await underLoad(trial, async () => {
      // New workers under the old orchestrator.
      const workers = await replaceAll(mesh, WORKERS, next)
      await sleep(TOGETHER_MS)
      assertBoth(heard)
      await putBack(mesh, workers)
      // Old workers under new orchestrators, of which two come at once: one of them migrates, beside the old one.
      const both = await Promise.all([1, 2].map(() => mesh.another('orchestrator', {}, next)))
      await sleep(TOGETHER_MS)
      // One of the old release dies and comes back, to a schema that knows more than it does.
      const old = mesh.mesh.service('orchestrator')
      await old.kill()
      await old.start()
      await sleep(TOGETHER_MS)
      assert.equal(await old.stop(), 0, 'the old orchestrator did not end in order')
      await sleep(TOGETHER_MS)
      assertBoth(heard)
      // All of it is new, and then all of it is old again.
      const all = await replaceAll(mesh, WORKERS, next)
      await sleep(TOGETHER_MS)
      await old.start()
      await putBack(mesh, all)
      for (const orchestrator of both) await orchestrator[Symbol.asyncDispose]()
    })
    const refused = await unknown.stop()
    assert.ok(refused >= REFUSALS_MIN, `unknown fields at the door were refused ${refused} times`)
    assert.equal(migrationsLogged(mesh), 1, `the migration ran ${migrationsLogged(mesh)} times`)
  },
}

/** One after the other: the new one is there before the old one goes. */
async function replaceAll(mesh: FaultMesh, names: readonly ServiceName[], release: string): Promise<ServiceProcess[]> {
  const replaced: ServiceProcess[] = []
  for (const name of names) {
    // Two consoles of one host need two ports.
    const environment: Record<string, string> = name === 'console' ? { CONSOLE_PORT: '0' } : {}
    replaced.push(await mesh.another(name, environment, release))
    assert.equal(await mesh.mesh.service(name).stop(), 0, `the old ${name} did not end in order`)
  }
  return replaced
}

async function putBack(mesh: FaultMesh, replaced: readonly ServiceProcess[]): Promise<void> {
  for (const next of replaced) {
    await mesh.mesh.service(next.service).start()
    assert.equal(await next.stop(), 0, `the new ${next.service} did not end in order`)
  }
}

interface Heard extends Disposable {
  /** Since it was last asked: how many messages had the field, and how many had not. */
  take(): { next: number; old: number }
}

function listen({ client: { nc } }: FaultMesh): Heard {
  const counts = { next: 0, old: 0 }
  const subscriptions = INSIDE_SUBJECTS.map((subject) =>
    nc.subscribe(subject, {
      callback: (_, { data }) => void (Buffer.from(data).includes(`"${NEXT_FIELD}"`) ? counts.next++ : counts.old++),
    }),
  )
  return {
    take() {
      const taken = { ...counts }
      Object.assign(counts, { next: 0, old: 0 })
      return taken
    },
    [Symbol.dispose]() {
      for (const subscription of subscriptions) subscription.unsubscribe()
    },
  }
}

function assertBoth(heard: Heard): void {
  const { next, old } = heard.take()
  assert.ok(next > 0 && old > 0, `of the messages inside, ${next} were of the next release and ${old} of the old`)
}

/** Asks again and again with a field that no release has at its door. */
function askUnknown(mesh: FaultMesh): AsyncDisposable & { stop(): Promise<number> } {
  const over = new AbortController()
  let refused = 0
  const asking = (async () => {
    const body = JSON.stringify({ task: 'create the folder never', [NEXT_FIELD]: 'yes' })
    while (!over.signal.aborted) {
      const reply = await mesh.client.nc.request('execution.request', body, { timeout: 2_000 }).catch(() => undefined)
      if (reply) {
        const { code } = JSON.parse(Buffer.from(reply.data).toString() || '{}') as { code?: string }
        assert.equal(code, 'unknown_field', `an unknown field at the door is answered with ${code}`)
        refused++
      }
      await sleep(200)
    }
  })()
  asking.catch(() => undefined)
  const stop = async (): Promise<number> => {
    over.abort()
    await asking
    return refused
  }
  return { stop, [Symbol.asyncDispose]: () => stop().then(() => undefined) }
}

/** How often any orchestrator said that it had run the migration of the next release. */
function migrationsLogged({ mesh }: FaultMesh): number {
  const folder = join(mesh.dataDir, 'logs')
  return readdirSync(folder)
    .filter((file) => file.startsWith('orchestrator'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line.includes(NEXT_MIGRATION) && line.includes('migration applied')).length
}
