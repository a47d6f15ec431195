/** An executor without a bus, for one test: a real database, real files, and a stand-in for the orchestrator's view. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ExecutionConfig, parseExecutionConfig } from '@deed/config/execution-config'
import { hashJson } from '@deed/json/canonical-json'
import { Action, type WorkAct, workAct } from '@deed/proto/action'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import type { z } from 'zod'
import { type ActDependencies, act } from '../src/attempt/act.ts'
import type { Attempt } from '../src/attempt/attempt.ts'
import type { Conclusion } from '../src/attempt/conclusion.ts'
import { placesForEffects } from '../src/attempt/places.ts'
import { undo } from '../src/attempt/undo.ts'
import type { World } from '../src/kind/kind.ts'
import { endTree } from '../src/processes/end-tree.ts'
import { holderLives, thisProcess } from '../src/processes/this-process.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { unconfined } from '../src/sandbox/unconfined.ts'
import { stopProcess } from '../src/services/supervised-process.ts'
import { openDatabases } from '../src/sql/databases.ts'
import { openLedger } from '../src/store/ledger.ts'
import { migrations } from '../src/store/migrations.ts'
import { blobsIn } from '../src/workspace/blobs.ts'
import { testAttempt } from './test-attempt.ts'

export interface TestExecutor extends AsyncDisposable {
  readonly database: TestDatabase<unknown>
  readonly world: World
  readonly dependencies: ActDependencies
  /** The root of the workspace. */
  readonly root: string
  write(path: string, content: string): void
  /** `undefined` where there is no such file. */
  read(path: string): string | undefined
  /** Lets the orchestrator's view say that a task is to be done, under its next token. */
  dispatch(action: z.input<typeof Action>, options?: DispatchOptions): Promise<WorkAct>
  attempt(work: WorkAct): Promise<Conclusion | 'stale'>
  run(action: z.input<typeof Action>, options?: DispatchOptions): Promise<Conclusion>
  /** Undoes what `work` did, under the next token. */
  undo(work: WorkAct): Promise<Conclusion>
}

export interface DispatchOptions {
  after?: WorkAct
  intent?: 'do' | 'undo'
  /** Of another task, whose execution this one belongs to as well. */
  beside?: WorkAct | undefined
}

/** @param yaml of execution.yaml, beside the workspace `app` */
export async function testExecutor(
  yaml = '',
  env: Record<string, string> = {},
  sandbox: Sandbox = unconfined('allow-list'),
): Promise<TestExecutor> {
  const folder = mkdtempSync(join(tmpdir(), 'deed-executor-'))
  const root = join(folder, 'app')
  mkdirSync(root)
  const file = join(folder, 'execution.yaml')
  const config: ExecutionConfig = parseExecutionConfig(`workspaces: { app: { root: ./app } }\n${yaml}`, { file })
  const database = await testDatabase('executor', migrations)
  await database.query('orchestrator', CREATE_SCHEMA, [])
  await database.query('dispatch', CREATE_DISPATCH, [])
  const world: World = {
    config,
    env: { TEST_DATABASE_URL: database.url, ...env },
    dataFolder: join(folder, 'data'),
    protectedFiles: [file],
    blobs: blobsIn(join(folder, 'data', 'snapshots')),
    sandbox,
    databases: openDatabases(config, { TEST_DATABASE_URL: database.url, ...env }),
  }
  const self = thisProcess()
  const dependencies: ActDependencies = {
    world,
    ledger: openLedger(database, self),
    patience: { attempts: 1, delayMs: 20 },
    withPlace: placesForEffects(3),
    holderLives: (row) => holderLives(row, self),
  }
  const commands: Attempt[] = []

  const executor: TestExecutor = {
    database,
    world,
    dependencies,
    root,
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    },
    read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined),
    async dispatch(given, { after, intent = 'do', beside } = {}) {
      const action = Action.parse(given)
      const work = workAct.payload.parse({
        task_id: after?.task_id ?? randomUUID(),
        execution_id: (after ?? beside)?.execution_id ?? randomUUID(),
        tenant: 'local',
        token: (after?.token ?? 0) + 1,
        intent,
        action,
        action_hash: hashJson(action),
      })
      const { task_id, execution_id, token, action_hash } = work
      await database.query('set-dispatch', SET_DISPATCH, [task_id, execution_id, token, action_hash, intent])
      return work
    },
    async attempt(work) {
      const attempt = testAttempt(work)
      if (work.action.kind === 'command.run') commands.push(attempt)
      const conclusion = await (work.intent === 'do' ? act : undo)(attempt, dependencies)
      if (conclusion !== 'stale' && !conclusion.recorded)
        await dependencies.ledger.writeOutcome({
          ...conclusion,
          tenant: work.tenant,
          actionId: attempt.actionId,
          token: work.token,
          intent: work.intent,
        })
      return conclusion
    },
    async run(action, options) {
      const conclusion = await executor.attempt(await executor.dispatch(action, options))
      if (conclusion === 'stale') throw new Error('the attempt may not act')
      return conclusion
    },
    undo: (work) => executor.run(work.action, { after: work, intent: 'undo' }),
    async [Symbol.asyncDispose]() {
      for (const [name, { type }] of Object.entries(config.targets))
        if (type === 'process') await stopProcess(world, name, 0)
      for (const { actionId } of commands) await endTree([`DEED_ACTION=${actionId}`], 0)
      await world.databases[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return executor
}

const CREATE_SCHEMA = 'create schema orchestrator'
const CREATE_DISPATCH = `create table orchestrator.dispatch (tenant text not null, task_id uuid primary key,
  execution_id uuid not null, token bigint not null, action_hash text not null, intent text not null,
  cancelled boolean not null default false)`
const SET_DISPATCH = `insert into orchestrator.dispatch values ('local', $1, $2, $3, $4, $5)
  on conflict (task_id) do update set token = excluded.token, intent = excluded.intent`
