/** Sentences of people, through a whole mesh without a model: how many rules answer, and how long an answer takes. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { randomFrom } from '@deed/drill/harness/random'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionReply, executionEvent, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { cancelExecution } from '@deed/proto/steering'
import type { z } from 'zod'
import { readSentences } from '../words/sentences.ts'
import { type BenchMesh, type BenchWorld, benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const mixedRequests: Scenario = {
  name: 'execution.mixed',
  summary: '500 sentences of people, one at a time, without a model; this takes minutes',
  run: askAll,
}

const REQUESTS = 500
/** Not measured: connections open, statements are planned, code is compiled. */
const WARM_UPS = 100
const SEED = 11
const ANSWER_MS_MAX = 60_000

/** These wait for something, leave this machine, or need a cluster. */
const LEFT_OUT = /^(?:wait|http|kubernetes|test|human)\./

/** That of the sentences; what is changed is asked about first, so that no service ever runs. */
const WORLD: BenchWorld = {
  targets: ['demo-api', 'test-service', 'shop']
    .map((name) => `\n  ${name}: { type: process, command: [sleep, "1000"], environment: development }`)
    .join(''),
  entities: '\n      assets: { table: assets, label_column: type, name_column: name, singular: asset }',
  tables: readFileSync(join(import.meta.dirname, '../../examples/demo/inventory.sql'), 'utf8'),
  // No model: nothing listens there.
  env: { OLLAMA_HOST: 'http://127.0.0.1:1' },
}
const FILES = [
  'notes.txt',
  'README.md',
  'report.txt',
  'a.txt',
  'src/app.ts',
  'config/app.json',
  'build/out.log',
  'logs/a.log',
]

async function askAll(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh(settings, opened, WORLD)
  fillWorkspace(bench.workspace)
  const { nats_url: url, nats_user: user, nats_password: password } = bench.mesh.connection
  const bus = opened.use(await connectBus({ service: 'deed', url, user, password }))
  const approvals = approvalsOf(bus)
  const random = randomFrom(SEED)
  const said = readSentences().filter(({ means }) => means.length > 0 && !means.some(({ kind }) => LEFT_OUT.test(kind)))
  for (let count = 0; count < WARM_UPS; count++) await ask(bus, approvals, random.pick(said).say)
  const answers: Answer[] = []
  for (let count = 0; count < REQUESTS; count++) answers.push(await ask(bus, approvals, random.pick(said).say))
  const known = answers.filter(({ outcome }) => outcome !== 'not_understood')
  const effects = await effectsOf(bench, answers)
  const sorted = (times: readonly number[]): number[] => times.toSorted((a, b) => a - b)
  const whole = sorted(answers.map(({ ms }) => ms))
  const beside = sorted(answers.map(({ ms, id }) => Math.max(0, ms - (effects.get(id) ?? 0))))
  return [
    {
      scenario: mixedRequests.name,
      p50_ms: rounded(percentile(beside, 50)),
      p95_ms: rounded(percentile(beside, 95)),
      p99_ms: rounded(percentile(beside, 99)),
      requests: REQUESTS,
      by_rules_percent: rounded((100 * known.length) / REQUESTS, 1),
      p50_with_effects_ms: rounded(percentile(whole, 50)),
      p95_with_effects_ms: rounded(percentile(whole, 95)),
      traced: TRACED_RATIO,
      outcomes: Object.fromEntries(
        [...Map.groupBy(answers, ({ outcome }) => outcome)].map(([name, of]) => [name, of.length]),
      ),
    },
  ]
}

function fillWorkspace(root: string): void {
  for (const path of FILES) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), 'hello\nerror\n')
  }
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], { cwd: root })
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
}

interface Answer {
  readonly id: string
  readonly ms: number
  /** The status of the reply, or the code of the error that there is instead. */
  readonly outcome: string
}

/** Until the answer comes, or the approval or the question that is required for it; that is cancelled then. */
async function ask(bus: Bus, asked: Approvals, task: string): Promise<Answer> {
  const from = performance.now()
  try {
    const replied = bus.call(requestExecution, { task }, { timeoutMs: ANSWER_MS_MAX })
    const first = await Promise.race([replied, asked.next()])
    const ms = performance.now() - from
    if (typeof first === 'string' || first.status === 'waiting') {
      const execution_id = typeof first === 'string' ? first : first.execution_id
      await bus.call(cancelExecution, { execution_id })
      await replied
    }
    if (typeof first === 'string') return { id: first, ms, outcome: 'approval_required' }
    return { id: first.execution_id, ms, outcome: outcomeOf(first) }
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    return { id: '', ms: performance.now() - from, outcome: error.code }
  }
}

interface Approvals {
  /** The execution that asks for an approval next. */
  next(): Promise<ExecutionId>
}

/** A reply waits for its approval, so that the event says when it is asked for. */
function approvalsOf({ nc }: Bus): Approvals {
  let next = Promise.withResolvers<ExecutionId>()
  nc.subscribe(executionEvent.subject, {
    callback: (_, message) => {
      const { type, execution_id } = message.json<z.output<typeof executionEvent.payload>>()
      if (type === 'approval.requested') next.resolve(execution_id)
    },
  })
  return {
    next: () => {
      next = Promise.withResolvers()
      return next.promise
    },
  }
}

const outcomeOf = ({ status, error, question }: ExecutionReply): string =>
  question ? 'asked' : (error?.code ?? status)

/** Milliseconds that its tasks were worked on, by execution; the clock of the audit log counts whole ones. */
async function effectsOf({ database }: BenchMesh, answers: readonly Answer[]): Promise<Map<string, number>> {
  const { rows } = await database.query<{ id: string; ms: number }>(
    `select execution_id as id, sum(ms)::float8 as ms from (
       select execution_id, extract(epoch from max(at) filter (where type in ('task.done', 'task.failed'))
                - min(at) filter (where type = 'task.leased')) * 1000 as ms
         from orchestrator.audit_log where execution_id = any($1::uuid[]) and task_id is not null
        group by execution_id, task_id) tasks
      where ms is not null group by 1`,
    [answers.flatMap(({ id }) => (id === '' ? [] : [id]))],
  )
  return new Map(rows.map(({ id, ms }) => [id, ms]))
}
