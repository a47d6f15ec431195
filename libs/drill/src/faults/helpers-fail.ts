/** What only helps is broken: models, the cache, those who look on. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashJson } from '@deed/json/canonical-json'
import { until } from '@deed/process/until'
import { putCache } from '@deed/proto/cache'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { openBrokenModelServer, WAYS_TO_FAIL } from '../harness/broken-model-server.ts'
import { askFor, assertDoneOnce, fileEffect } from '../harness/effects.ts'
import type { Fault, Trial } from '../harness/fault.ts'
import { underLoad } from '../harness/under-load.ts'

const ONLOOKERS = 300
const LOAD_MS = 4_000
/** What the server may need for those who do not read. */
const GROWTH_KILOBYTES_MAX = 512 * 1024

export const helpersFail: readonly Fault[] = [
  {
    id: 'F41',
    title: `the model server ${WAYS_TO_FAIL.join(', ')}`,
    async run({ mesh, name }) {
      await using models = await openBrokenModelServer()
      for (const fails of WAYS_TO_FAIL) {
        models.answer = { fails }
        await mesh.restart('hybrid-agent', { OLLAMA_HOST: models.url })
        const key = name('poem')
        // No rule knows what to do.
        const asked = { task: `Compose a verse about ${key}`, idempotency_key: key, mode: 'background' as const }
        const { execution_id } = await mesh.client.call(requestExecution, asked)
        await until(
          async () => {
            const { tasks, status } = await mesh.client.call(getExecution, { execution_id })
            assert.notEqual(status, 'done', `it is done by a model that ${fails}`)
            return status === 'failed' || tasks.some(({ failures }) => failures > 0)
          },
          { what: `the failure of a model that ${fails}`, timeoutMs: 40_000 },
        )
        const action = {
          kind: 'file.write',
          name: 'write',
          title: 'write it',
          input: { path: key, content: 'a verse' },
        }
        models.answer = { text: JSON.stringify({ actions: [action] }) }
        const { status } = await until(
          async () => {
            const now = await mesh.client.call(getExecution, { execution_id })
            return now.status === 'done' || now.status === 'failed' ? now : undefined
          },
          { what: `the end once the model that ${fails} is well`, timeoutMs: 60_000 },
        )
        assert.equal(existsSync(join(mesh.workspace, key)), status === 'done', `it is ${status}`)
      }
    },
  },
  {
    id: 'F42',
    title: 'the cache is dead, and then knows what never happened',
    async run(trial) {
      const { mesh, name } = trial
      await underLoad(trial, async () => {
        await mesh.mesh.service('semantic-cache').kill()
        await sleep(LOAD_MS)
        await mesh.mesh.service('semantic-cache').start()
      })
      const real = fileEffect(mesh, name('real'))
      const reply = await askFor(mesh, real)
      await assertDoneOnce(real, reply)
      const effect = fileEffect(mesh, name('never-happened'))
      assert.ok(reply.result)
      await mesh.client.call(putCache, {
        text: effect.task,
        context_hash: hashJson({ context: {}, acceptance_criteria: [] }),
        value: {
          kind: 'answer',
          result: reply.result,
          evidence: reply.verification,
          execution_id: reply.execution_id,
          template_used: null,
          model_used: null,
        },
      })
      await assertDoneOnce(effect, await askFor(mesh, effect))
    },
  },
  {
    id: 'F44',
    title: `${ONLOOKERS} onlookers follow every event, and read none`,
    async run(trial) {
      const onlookers = await Promise.all(Array.from({ length: ONLOOKERS }, () => onlooker(trial)))
      const before = kilobytesOf(trial)
      try {
        await underLoad(trial, () => sleep(LOAD_MS))
        const growth = kilobytesOf(trial) - before
        assert.ok(growth < GROWTH_KILOBYTES_MAX, `NATS has grown by ${growth} kB`)
      } finally {
        for (const socket of onlookers) socket.destroy()
      }
    },
    needs: ({ linux }) => (linux ? undefined : 'only Linux tells how much memory a process has'),
  },
]

/** Speaks the protocol by hand, since every client library reads. */
async function onlooker({ mesh: { mesh } }: Trial): Promise<Socket> {
  const { nats_url, nats_user, nats_password } = mesh.connection
  const { hostname, port } = new URL(nats_url)
  const socket = connect(Number(port), hostname)
  const login = { verbose: false, headers: true, user: nats_user, pass: nats_password }
  socket.write(`CONNECT ${JSON.stringify(login)}\r\nSUB event.> 1\r\nPING\r\n`)
  let seen = ''
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (data) => {
      seen += String(data)
      if (!seen.includes('PONG')) return
      socket.pause()
      resolve()
    })
  })
  socket.removeAllListeners('error')
  socket.on('error', () => undefined)
  return socket
}

function kilobytesOf({ mesh: { mesh } }: Trial): number {
  const status = readFileSync(`/proc/${mesh.nats?.pid ?? 0}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
}
