// The session at a terminal that the README shows: the same sentences come to the same readings on a mesh without a model.
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { listLearned } from '@deed/proto/rules'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { read } from './markdown.ts'

const [, session = ''] = /```text\n(\$ deed run [\s\S]*?)```/.exec(read('README.md')) ?? []
const commands = [...session.matchAll(/^\$ deed run --yes "(.*?)"/gm)].map(([, task = '']) => task)
const readings = [...session.matchAll(/^understood as: .*$/gm)].map(([line]) => line)
const question = /^which is meant: .*$/m.exec(session)?.[0] ?? ''
const service = '{ type: process, command: [sleep, "300"], cwd: ./workspace }'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
const deed = (...args: string[]) => startDeed(under.mesh.dataDir, args)
const run = (task = ''): Promise<Ended> => deed('run', '--yes', task).ended

beforeAll(async () => {
  under = opened.use(
    await meshUnderTest({
      config: `targets: { demo-api: ${service}, test-service: ${service} }\n`,
      env: { OLLAMA_HOST: 'http://127.0.0.1:1' },
    }),
  )
})
afterAll(async () => {
  for (const name of ['demo-api', 'test-service']) await run(`stop ${name}`)
  await opened.disposeAsync()
})

it('has a sentence that is understood, one that is asked about, and the same one learned', async () => {
  expect(commands).toHaveLength(3)
  expect(readings).toHaveLength(3)
  const [similar, ambiguous, learned] = commands
  expect(learned).toBe(ambiguous)

  expect(await run(similar)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${readings[0]}\n`) })

  using asking = deed('run', '--yes', ambiguous ?? '')
  await until(() => asking.output().includes('Waiting for an answer.'), { timeoutMs: 60_000, what: 'the question' })
  expect(asking.output()).toContain(question)
  const [, id = ''] = /deed choose (\S+) 1/.exec(asking.output()) ?? []
  expect(await deed('choose', id, '2').ended).toMatchObject({ code: 0 })
  expect(await asking.ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`${readings[1]}\n`) })

  await until(async () => (await under.client.call(listLearned, {})).sentences.length > 0, {
    timeoutMs: 60_000,
    what: 'the sentence being learned',
  })
  const again = await run(learned)
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(`${readings[2]}\n`) })
  expect(again.stdout).not.toContain('which is meant')
})
