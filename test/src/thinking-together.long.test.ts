// The four thinking services in one process, as `deed up` has them: each is itself, and all live and die together.
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { THINKERS } from '@deed/local/thinkers'
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { SERVICES } from '@deed/proto/contract'
import { requestExecution } from '@deed/proto/execution'
import { RequestStrategy } from 'nats'
import { expect, it } from 'vitest'

const TEST_MS_MAX = 120_000

it('thinking services in one process all answer, log under their own names, and are restarted as a whole', {
  timeout: TEST_MS_MAX,
}, async () => {
  await using under = await meshUnderTest()
  const { mesh, client } = under
  const pids = () => new Set(THINKERS.map((name) => mesh.service(name).pid))
  const [before] = pids()
  expect(pids().size).toBe(1)
  expect(mesh.services).toHaveLength(SERVICES.length)
  expect(await answering(client)).toEqual([...SERVICES].sort())
  // Lines are written a moment later.
  const named = () => [...new Set(serviceOfLines(under.log('thinking')))].sort().join()
  await until(() => named() === [...THINKERS, 'thinking'].sort().join(), { what: 'lines of all' })
  const write = (path: string) => client.call(requestExecution, { task: `write "a" to ${path}` })
  expect((await write('before.txt')).status).toBe('done')

  await mesh.service('semantic-cache').kill()
  await until(() => pids().size === 1 && ![before, undefined].includes([...pids()][0]), { what: 'another process' })
  expect((await write('after.txt')).status).toBe('done')
  await until(async () => (await answering(client)).length === SERVICES.length, { what: 'an answer of all again' })
})

it('a thinking service that cannot start keeps all of them from starting, and is named', {
  timeout: TEST_MS_MAX,
}, async () => {
  using folder = temporaryFolder()
  const refused = meshUnderTest({ env: { RULES_DIR: `${folder.path}/none` } })
  await expect(refused).rejects.toThrow(/hybrid-agent: .*none/)
})

/** The names of the services that answer; the server lets each subscribe to its own subjects alone. */
async function answering({ nc }: Bus): Promise<string[]> {
  const names: string[] = []
  const options = { strategy: RequestStrategy.Count, maxMessages: SERVICES.length, maxWait: 10_000 }
  for await (const { name } of await nc.services.client(options).info()) names.push(name)
  return names.sort()
}

function serviceOfLines(log: string): string[] {
  return log
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { service: string }).service)
}
