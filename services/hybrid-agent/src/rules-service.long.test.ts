// Rules and learned sentences over NATS: two agents on a real server, a real PostgreSQL, and a folder of own packs.
import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type TestBus, testBus } from '@deed/local/test-bus'
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { type AgentReply, processTask, type Solution } from '@deed/proto/agent'
import { examineAgent } from '@deed/proto/doctor'
import { ExecutionId } from '@deed/proto/ids'
import {
  exportLearned,
  forgetLearned,
  learnSentence,
  listLearned,
  listRules,
  testRules,
  unlearnSentence,
} from '@deed/proto/rules'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { startHybridAgent } from './service.ts'
import { migrations } from './store/migrations.ts'

const opened = new AsyncDisposableStack()
let mesh: TestBus
let database: TestDatabase<unknown>
let orchestrator: Bus
let operator: Bus
/** The folder of own packs, as a symbolic link that is swapped, as Kubernetes mounts a ConfigMap. */
let rules: string
let versions = 0

const pack = (match: string, name = 'greet') => `pack: own
version: 1
description: A rule of one's own
rules:
  - name: ${name}
    match: "${match}"
    actions: [{ title: "greet {{who}}", kind: dir.create, input: { path: "{{who}}" } }]
    tests: [{ say: greet somebody, actions: [{ input: { path: somebody } }] }]
`

/** The folder gets other files at once: a new folder, and the link to it is renamed over the old link. */
function mount(files: Record<string, string>): void {
  const folder = join(rules, '..', `version-${++versions}`)
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  symlinkSync(folder, `${rules}.new`)
  renameSync(`${rules}.new`, rules)
}

beforeAll(async () => {
  rules = join(opened.use(temporaryFolder()).path, 'rules')
  mount({ 'own.yaml': pack('greet {who:word}') })
  mesh = opened.use(await testBus())
  database = opened.use(await testDatabase('hybrid_agent', migrations))
  orchestrator = await mesh.bus('orchestrator')
  operator = await mesh.bus('deed')
  const environment = {
    ...mesh.environment('hybrid-agent'),
    DATABASE_URL: database.url,
    RULES_DIR: rules,
    OLLAMA_HOST: 'http://127.0.0.1:1',
  }
  const config = readConfig(environment)
  config.execution.targets = { billing: SERVICE, mailer: SERVICE }
  for (let replica = 0; replica < 2; replica++) opened.use(await startHybridAgent(config))
  await until(() => operator.call(listRules, {}, { patient: false }).catch(() => false), { what: 'the agents' })
})
afterAll(() => opened.disposeAsync())

const SERVICE = { type: 'process' as const, command: ['x'], cwd: '/', env: {}, stable_for: 1, stop_timeout: 1 }

const as = (tenant: string, user = 'ada') => ({ principal: { tenant, user } })
const execution = () => ExecutionId.parse(randomUUID())
const ask = (tenant: string, description: string): Promise<AgentReply> =>
  orchestrator.call(processTask, { description }, as(tenant))

async function restartOf(target: string): Promise<Solution> {
  const reply = await ask('nobody', `restart ${target}`)
  if (reply.outcome !== 'handled') throw new Error(JSON.stringify(reply))
  return reply.solution
}

async function teach(tenant: string, description: string, solution?: Solution) {
  const lesson = { execution_id: execution(), task: { description }, source: 'choice' as const }
  return orchestrator.call(learnSentence, { ...lesson, solution: solution ?? (await restartOf('billing')) }, as(tenant))
}

const sentencesOf = async (tenant: string) => (await operator.call(listLearned, {}, as(tenant))).sentences

/** Either replica may answer, so it is asked often enough to have met both. */
async function everyReply(tenant: string, description: string): Promise<AgentReply[]> {
  return Promise.all(Array.from({ length: 20 }, () => ask(tenant, description)))
}
const allAre = (tenant: string, description: string, outcome: 'handled' | 'not handled') =>
  until(
    async () =>
      (await everyReply(tenant, description)).every(
        (reply) => (reply.outcome === 'handled') === (outcome === 'handled'),
      ),
    {
      what: `${outcome} for ${description}`,
    },
  )

describe('a learned sentence', () => {
  it('is understood by all replicas, with other names too, and by no other tenant', async () => {
    expect(await ask('acme', 'give billing the usual treatment')).toMatchObject({ outcome: 'declined' })
    expect(await teach('acme', 'give billing the usual treatment')).toMatchObject({
      id: expect.any(String),
      reason: null,
    })
    await allAre('acme', 'give mailer the usual treatment', 'handled')
    expect(await ask('acme', 'give mailer the usual treatment')).toMatchObject({
      solution: {
        rule: 'services/restart',
        reading: { text: 'restart mailer', by: 'learned' },
        actions: [{ action: { kind: 'service.restart', input: { target: 'mailer' } } }],
      },
    })
    for (const reply of await everyReply('other', 'give mailer the usual treatment')) {
      expect(reply).toMatchObject({ outcome: 'declined' })
    }
    expect(await sentencesOf('other')).toEqual([])
  })

  it('is listed with who taught it and how often it was used', async () => {
    expect(await sentencesOf('acme')).toMatchObject([
      {
        sentence: 'give {service} the usual treatment',
        reading: 'restart billing',
        source: 'choice',
        rule: 'services/restart',
        active: true,
        learned_by: 'ada',
      },
    ])
    await until(async () => (await sentencesOf('acme'))[0]?.uses, { what: 'the uses' })
  })

  it('is exported as a pack that passes its tests', async () => {
    const { pack: text, sentences } = await operator.call(exportLearned, {}, as('acme'))
    expect(sentences).toBe(1)
    expect(await operator.call(testRules, { files: [{ file: 'learned.yaml', text: text ?? '' }] })).toEqual({
      files: [{ file: 'learned.yaml', rules: 1, tests: 1 }],
      faults: [],
      collisions: [],
    })
  })

  it('is forgotten by all replicas, of its tenant only', async () => {
    await teach('acme', 'give billing a nudge')
    await teach('beta', 'give billing a nudge')
    await Promise.all([
      allAre('acme', 'give mailer a nudge', 'handled'),
      allAre('beta', 'give mailer a nudge', 'handled'),
    ])
    const id = (await sentencesOf('acme')).find(({ sentence }) => sentence.includes('nudge'))?.id
    expect(await operator.call(forgetLearned, { id }, as('acme'))).toEqual({ forgotten: 1 })
    await allAre('acme', 'give mailer a nudge', 'not handled')
    expect(await ask('beta', 'give mailer a nudge')).toMatchObject({ outcome: 'handled' })
    expect(await operator.call(forgetLearned, { all: true }, as('acme'))).toEqual({ forgotten: 1 })
    expect(await sentencesOf('acme')).toEqual([])
    expect(await sentencesOf('beta')).toHaveLength(1)
  })

  it('is forgotten when an execution with it failed, whatever names it had', async () => {
    await teach('gamma', 'poke billing')
    await teach('gamma', 'wake billing gently')
    await allAre('gamma', 'poke mailer', 'handled')
    const lost = { execution_id: execution(), task: { description: 'poke mailer' } }
    expect(await orchestrator.call(unlearnSentence, lost, as('gamma'))).toEqual({ forgotten: 1 })
    await allAre('gamma', 'poke billing', 'not handled')
    expect(await sentencesOf('gamma')).toHaveLength(1)
  })

  it('is not learned for words that a rule knows', async () => {
    expect(await teach('delta', 'please restart mailer')).toMatchObject({ id: null })
    expect(await sentencesOf('delta')).toEqual([])
  })

  it('is not learned, nor logged or stored, with a secret in it', async () => {
    const words = 'kick billing with password=hunter22secret'
    expect(await teach('delta', words)).toMatchObject({ id: null, reason: expect.stringContaining('secret') })
    const rows = await database.query('all', 'select learned_sentences::text as row from learned_sentences', [])
    expect(JSON.stringify(rows)).not.toContain('hunter22')
  })
})

describe('who may teach', () => {
  it.each(['client', 'approver'] as const)('is not the %s', async (caller) => {
    const bus = await mesh.bus(caller)
    const lesson = { execution_id: execution(), task: { description: 'kick billing' }, source: 'choice' as const }
    const solution = await restartOf('billing')
    await expect(
      bus.call(learnSentence, { ...lesson, solution }, { timeoutMs: 1_000, patient: false }),
    ).rejects.toThrow()
    expect(await sentencesOf('local')).toEqual([])
  })

  it('is not who may list: a client forgets nothing', async () => {
    const bus = await mesh.bus('client')
    await expect(bus.call(listLearned, {})).resolves.toEqual({ sentences: [] })
    await expect(bus.call(forgetLearned, { all: true }, { timeoutMs: 1_000, patient: false })).rejects.toThrow()
    const approver = await mesh.bus('approver')
    await expect(approver.call(forgetLearned, { all: true })).resolves.toEqual({ forgotten: 0 })
  })
})

describe('the rules', () => {
  it('are listed with what they do, and with sentences that have the names of this world', async () => {
    const { packs, faults } = await operator.call(listRules, {})
    expect(faults).toEqual([])
    expect(packs.find(({ pack: name }) => name === 'own')).toMatchObject({
      own: true,
      file: 'own.yaml',
      rules: [{ id: 'own/greet', does: 'greet {who}', effect: 'change', examples: ['greet somebody'] }],
    })
    const services = packs.find(({ pack: name }) => name === 'services')
    expect(services).toMatchObject({ own: false })
    const restart = services?.rules.find(({ id }) => id === 'services/restart')
    expect(restart).toMatchObject({
      does: expect.stringMatching(/^restart \{services?\}$/),
      examples: [expect.stringContaining('billing'), expect.any(String)],
    })
    for (const { examples } of services?.rules ?? []) {
      for (const say of examples) expect(await ask('nobody', say)).toMatchObject({ outcome: 'handled' })
    }
  })

  it('are shown one by one, with their patterns', async () => {
    const { packs } = await operator.call(listRules, { rule: 'services/restart' })
    expect(packs).toMatchObject([{ pack: 'services', rules: [{ id: 'services/restart', match: expect.any(Array) }] }])
    await expect(operator.call(listRules, { rule: 'no/such' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('of a changed folder are used as soon as they are valid; until then the earlier ones stay', async () => {
    mount({ 'own.yaml': pack('salute {who:word}') })
    const [fault] = await until(async () => {
      const { faults } = await operator.call(listRules, {})
      return faults.length > 0 && faults
    })
    // Its own test says "greet".
    expect(fault).toMatchObject({ file: 'own.yaml', line: 8, reason: expect.stringContaining('is not handled') })
    expect(await ask('nobody', 'greet everybody')).toMatchObject({ outcome: 'handled' })
    const found = await until(async () => {
      const { checks } = await operator.call(examineAgent, {})
      return checks.find(({ name, status }) => name === 'rules' && status === 'problem')
    })
    expect(found.message).toMatch(/own\.yaml:8: rule "own\/greet"/)

    mount({
      'own.yaml': pack('(greet|salute) {who:word}'),
      'more.yaml': pack('(greet|wave at) {who:word}').replace('pack: own', 'pack: more'),
    })
    await allAre('nobody', 'salute everybody', 'handled')
    await allAre('nobody', 'wave at everybody', 'handled')
    // Both packs claim it.
    expect(await ask('nobody', 'greet everybody')).toMatchObject({ outcome: 'declined' })
    expect(await operator.call(testRules, {})).toMatchObject({
      files: [{ rules: 1 }, { rules: 1 }],
      faults: [],
      collisions: [
        { sentence: 'greet somebody', rules: ['more/greet', 'own/greet'] },
        { sentence: 'greet somebody', rules: ['more/greet', 'own/greet'] },
      ],
    })
    await until(async () => {
      const { checks } = await operator.call(examineAgent, {})
      return checks.some(({ name, status }) => name === 'rules' && status === 'ok')
    })
  })

  it('that are gone leave what was learned with them inactive, until they are back', async () => {
    mount({ 'own.yaml': pack('greet {who:word}') })
    await allAre('nobody', 'wave at everybody', 'not handled')
    const greeting = await ask('nobody', 'greet everybody')
    if (greeting.outcome !== 'handled') throw new Error(JSON.stringify(greeting))
    expect(await teach('moved', 'give everybody a warm welcome', greeting.solution)).toMatchObject({ reason: null })
    await allAre('moved', 'give everybody a warm welcome', 'handled')

    mount({ 'own.yaml': pack('greet {who:word}', 'welcome') })
    await allAre('moved', 'give everybody a warm welcome', 'not handled')
    expect(await sentencesOf('moved')).toMatchObject([{ rule: 'own/greet', active: false }])
    expect(await operator.call(exportLearned, {}, as('moved'))).toMatchObject({
      pack: null,
      left_out: [{ reason: expect.stringContaining('not active') }],
    })

    mount({ 'own.yaml': pack('greet {who:word}') })
    await allAre('moved', 'give everybody a warm welcome', 'handled')
    expect(await sentencesOf('moved')).toMatchObject([{ active: true }])
  })

  it('stay in force when their folder is gone', async () => {
    rmSync(rules)
    await until(async () => (await operator.call(listRules, {})).faults[0]?.reason.includes('cannot be read'))
    expect(await ask('nobody', 'greet everybody')).toMatchObject({ outcome: 'handled' })
    mount({ 'own.yaml': pack('greet {who:word}') })
    await until(async () => {
      const replies = await Promise.all(Array.from({ length: 20 }, () => operator.call(listRules, {})))
      return replies.every(({ faults }) => faults.length === 0)
    })
  })
})
