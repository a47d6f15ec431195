// A pack of one's own with two intents: understood in other words, over NATS and by the command, and learned from a choice.
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { chooseReading } from '@deed/proto/person'
import { listLearned } from '@deed/proto/rules'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CHECKLISTS = fileURLToPath(new URL('../../examples/rules/checklists.yaml', import.meta.url))

/** Two intents that the same words mean. */
const TIDY = `pack: tidy
version: 1
description: Two ways to tidy up
rules:
${['archive', 'park']
  .map(
    (verb) => `  - name: ${verb}
    match: ${verb} the papers {list:file}
    paraphrases: ["tidy away {list}", "tidy {list} away"]
    actions: [{ title: "${verb} {{list}}", kind: file.move, input: { from: "{{list}}", to: "{{list}}.${verb}" } }]
    tests: [{ say: ${verb} the papers a.md, actions: [{ kind: file.move }] }]
`,
  )
  .join('')}`

const opened = new AsyncDisposableStack()
let under: MeshUnderTest

beforeAll(async () => {
  const rules = opened.use(temporaryFolder()).path
  copyFileSync(CHECKLISTS, join(rules, 'checklists.yaml'))
  writeFileSync(join(rules, 'tidy.yaml'), TIDY)
  // No model: nothing listens there.
  under = opened.use(await meshUnderTest({ env: { RULES_DIR: rules, OLLAMA_HOST: 'http://127.0.0.1:1' } }))
})
afterAll(() => opened.disposeAsync())

const path = (name: string): string => join(under.workspace, name)
const deed = (...args: string[]) => startDeed(under.mesh.dataDir, args, { cwd: dirname(under.workspace) }).ended
const readings = ({ tasks }: ExecutionDetail) => tasks.flatMap(({ action }) => action?.reading?.by ?? [])
const learned = async () => (await under.client.call(listLearned, {})).sentences

/** To its end, with every approval given and every question answered by its first option. */
async function ended(task: string): Promise<ExecutionDetail & { asked: number }> {
  let asked = 0
  const { execution_id } = await under.client.call(requestExecution, { task, mode: 'background' })
  const detail = await until(
    async () => {
      const now = await under.client.call(getExecution, { execution_id })
      const { approval_id, question, status } = now
      if (approval_id !== undefined && status === 'waiting') {
        const option = question?.options[0]?.id
        if (option === undefined) {
          await under.client.call(decideApproval, { approval_id, decision: 'approve' }).catch(() => undefined)
        } else {
          asked++
          await under.client.call(chooseReading, { approval_id, option })
        }
      }
      return (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(status) && now
    },
    { timeoutMs: 180_000, what: `the end of ${task}` },
  )
  return { ...detail, asked }
}

describe('a pack with two intents', () => {
  it('is understood over NATS in words that are none of its patterns', async () => {
    writeFileSync(path('launch.md'), '- fuel\n')
    const finished = await ended('Please mark the checklist launch.md complete')
    expect(finished).toMatchObject({ status: 'done', asked: 0, metrics: { success: true } })
    expect(readings(finished)).toEqual(['similarity'])
    expect([existsSync(path('launch.md')), existsSync(path('launch.md.done'))]).toEqual([false, true])

    const reopened = await ended('could you take launch.md up again?')
    expect(reopened).toMatchObject({ status: 'done', metrics: { success: true } })
    expect([existsSync(path('launch.md')), existsSync(path('launch.md.done'))]).toEqual([true, false])
  })

  it('is understood by the command, which says how', async () => {
    writeFileSync(path('landing.md'), '- wheels\n')
    const run = await deed('run', 'could you wrap up the checklist landing.md', '--yes')
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('finish the checklist landing.md') })
    expect(existsSync(path('landing.md.done'))).toBe(true)
    expect(await deed('run', 'take landing.md up again', '--yes')).toMatchObject({ code: 0 })
    expect(existsSync(path('landing.md'))).toBe(true)
  })

  it('is listed and shown by the command', async () => {
    const listed = await deed('rules')
    expect(listed).toMatchObject({ code: 0 })
    expect(listed.stdout).toContain('checklists, version 1, checklists.yaml in RULES_DIR\nFinishing checklists, ')
    expect(listed.stdout).toMatch(
      /checklists\/finish +change +finish the checklist \{list\} +finish the checklist launch\.md/,
    )
    const shown = await deed('rules', 'show', 'checklists/reopen')
    expect(shown.stdout).toMatch(/Patterns:\n {2}reopen \(the\)\? checklist \{list:file\}/)
    expect(shown.stdout).toMatch(/Other sentences that mean it:\n {2}take up the checklist/)
    expect(await deed('rules', 'show', 'no/such')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('deed rules'),
    })
  })
})

describe('a sentence that is asked about', () => {
  it('is learned from the choice once its execution is verified, and is not asked about again', async () => {
    for (const name of ['one.md', 'two.md']) writeFileSync(path(name), '- x\n')
    const first = await ended('tidy one.md away')
    expect(first).toMatchObject({ status: 'done', asked: 1, metrics: { success: true } })
    expect(readings(first)).toEqual(['choice'])
    const [verb] = ['archive', 'park'].filter((one) => existsSync(path(`one.md.${one}`)))
    const [sentence] = await until(async () => {
      const sentences = await learned()
      return sentences.length > 0 && sentences
    })
    expect(sentence).toMatchObject({
      sentence: 'tidy {list} away',
      source: 'choice',
      rule: `tidy/${verb}`,
      active: true,
    })

    const second = await ended('tidy two.md away')
    expect(second).toMatchObject({ status: 'done', asked: 0, metrics: { success: true } })
    expect(readings(second)).toEqual(['learned'])
    expect(existsSync(path(`two.md.${verb}`))).toBe(true)
  })
})
