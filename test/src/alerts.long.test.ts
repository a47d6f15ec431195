// A rule of execution.yaml, from a task that waits to a webhook and back; and what the operator sees meanwhile.
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import { cancelExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const KEY = 'a-key-for-signatures'
const calls: { body: string; headers: IncomingHttpHeaders }[] = []
const hook = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  calls.push({ body: Buffer.concat(chunks).toString(), headers: request.headers })
  response.end()
})
let under: MeshUnderTest
beforeAll(async () => {
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const { port } = hook.address() as AddressInfo
  under = await meshUnderTest({
    copies: { orchestrator: 2 },
    env: { PAGER_KEY: KEY },
    config: `
alerts:
  webhooks: [{ url: "http://127.0.0.1:${port}/", secret_env: PAGER_KEY, names: [somebody-waits] }]
  rules:
    - name: somebody-waits
      metric: deed_open_executions
      labels: { status: waiting }
      threshold: 0
      severity: info
      summary: Somebody waits for an approval.
      runbook: Decide with deed approve.
`,
  })
}, 120_000)
afterAll(async () => {
  await under?.[Symbol.asyncDispose]()
  hook.close()
})

const deed = async (...args: string[]): Promise<string> => {
  using command = startDeed(under.mesh.dataDir, args)
  const { code, stdout, stderr } = await command.ended
  expect(stderr).toMatch(/^(no rule fires\n)?$/)
  expect(code).toBe(0)
  return stdout
}

describe('an alert rule of execution.yaml', () => {
  it('reaches the webhook once, signed, and once more when it is resolved', async () => {
    const task = 'run the command "touch x"'
    const { execution_id } = await under.client.call(requestExecution, { task, mode: 'background' })
    await until(() => calls.length > 0, { what: 'the alert' })
    expect(await deed('alerts', 'list')).toMatch(/somebody-waits +firing/)
    await under.client.call(cancelExecution, { execution_id })
    await until(() => calls.length > 1, { what: 'the resolution' })
    const alerts = calls.map(({ body, headers }) => {
      const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['deed-signature'])) ?? []
      expect(signature).toBe(createHmac('sha256', KEY).update(`${seconds}.${body}`).digest('hex'))
      return JSON.parse(body) as { name: string; message: string; data: { state: string } }
    })
    expect(alerts.map(({ name, data }) => [name, data.state])).toEqual([
      ['somebody-waits', 'firing'],
      ['somebody-waits', 'resolved'],
    ])
    expect(alerts[0]?.message).toBe(
      'Somebody waits for an approval. deed_open_executions is 1. What to do: Decide with deed approve.',
    )
  })

  it('is silenced by the operator until a time', async () => {
    expect(await deed('alerts', 'silence', 'somebody-waits', '--for', '2h', '--reason', 'a test')).toContain('silenced')
    expect(await deed('alerts', 'list')).toContain('a test')
    expect(await deed('alerts', 'unsilence', 'somebody-waits')).toContain('has ended')
    expect(await deed('alerts', 'unsilence', 'somebody-waits')).toContain('was not silenced')
    expect(JSON.parse(await deed('--json', 'alerts', 'list'))).toMatchObject({ silences: [] })
  })
})

it('deed metrics says whether Deed tells the truth', async () => {
  expect(await deed('metrics')).toMatch(/^false successes +0\n(.+\n)*rollbacks succeeded +\S+/)
  expect(JSON.parse(await deed('--json', 'metrics'))).toMatchObject({
    truth: { false_successes: 0, duplicate_effects: 0 },
    samples: expect.arrayContaining([{ name: 'deed_exporter', labels: {}, value: 1 }]),
  })
})
