// A GET that may be sent only once, through the whole mesh: a manifest is applied, and a server counts.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { requestExecution } from '@deed/proto/execution'
import { expect, it } from 'vitest'

it('a GET that may be sent only once is answered by the first body, without being called verified', async () => {
  let count = 0
  const server = createServer((_, response) => {
    count++
    if (count === 1) response.end('the secret of today')
    else response.writeHead(410).end('gone!')
  }).listen(0, '127.0.0.1')
  await using opened = new AsyncDisposableStack()
  opened.defer(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { client, database } = opened.use(
    await meshUnderTest({ config: `targets: { counter: { type: http, url: "${url}" } }` }),
  )
  const get = (repeatable: boolean) => ({
    manifest: {
      name: 'once',
      tasks: [
        {
          id: 'get',
          action: { kind: 'http.request', input: { target: 'counter', path: '/once', repeatable } },
        },
      ],
    },
  })
  const observes = async (repeatable: boolean) => {
    const { result } = await client.call(requestExecution, { ...get(repeatable), dry_run: true })
    const { actions } = Object(result?.data) as { actions: { observes: object }[] }
    return actions.map((action) => action.observes)
  }
  expect(await observes(true)).toEqual([{ kind: 'answers_again' }])
  expect(await observes(false)).toEqual([{ kind: 'asked_once' }])
  expect(count).toBe(0)

  const reply = await client.call(requestExecution, get(false))
  expect(reply).toMatchObject({
    status: 'done',
    result: { data: { status: 200, body: 'the secret of today' } },
    verification: [{ kind: 'unconfirmed', outcome: 'unverified' }],
    seen_at: reply.verification[0]?.observed_at,
  })
  expect(count).toBe(1)

  // The database itself takes such evidence for what has no effect alone.
  const claim = `update orchestrator.actual_state set effect = 'made' where task_kind = 'act' and actual_status = 'done'`
  await expect(database.query(claim)).rejects.toMatchObject({ constraint: 'actual_state_done_has_evidence' })
  const stored = `update executor.actions set effect = 'made' where outcome = 'done'`
  await expect(database.query(stored)).rejects.toMatchObject({ constraint: 'actions_done_has_evidence' })
})
