/**
 * A mesh whose policy wants two people from level 2 on, with a target of each type and a rule for one action of each kind.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { writePolicyOfAnyHost } from '@deed/drill/harness/policy-of-any-host'
import { temporaryFolder } from '@deed/local/temporary-folder'
import type { ApprovalView } from '@deed/proto/approval'
import { requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { type PlainClient, plainClient } from './plain-client.ts'

/** One of each family, and whether it can be taken back. What only reads has nothing to take back. */
export const SAMPLES: Record<string, { kind: string; input: object; verify?: object; undo: string | null }> = {
  one: { kind: 'file.write', input: { path: 'dry/new.txt', content: 'hello' }, undo: 'reversible' },
  two: { kind: 'file.patch', input: { path: 'base.txt', diff: '@@ -1 +1 @@\n-base\n+other\n' }, undo: 'reversible' },
  three: { kind: 'file.move', input: { from: 'base.txt', to: 'dry/moved.txt' }, undo: 'reversible' },
  four: { kind: 'file.delete', input: { path: 'base.txt' }, undo: 'reversible' },
  five: { kind: 'dir.create', input: { path: 'dry/folder' }, undo: 'reversible' },
  six: {
    kind: 'code.generate',
    input: { path: 'dry/a.js', language: 'javascript', content: 'export {}\n' },
    undo: 'reversible',
  },
  seven: { kind: 'command.run', input: { argv: ['true'] }, verify: { kind: 'exit_code' }, undo: 'reversible' },
  eight: { kind: 'test.run', input: { argv: ['true'] }, undo: 'reversible' },
  nine: { kind: 'service.start', input: { target: 'sleeper' }, undo: 'compensable' },
  ten: {
    kind: 'http.request',
    input: { method: 'POST', target: 'board', path: '/notes', body: 'dry' },
    verify: { kind: 'http', target: 'board', path: '/notes', body_contains: 'dry' },
    undo: 'irreversible',
  },
  eleven: {
    kind: 'sql.execute',
    input: {
      target: 'shelf',
      statement: 'insert into shelf.books (id) values (8)',
      verify: { query: 'select count(*) from shelf.books where id = 8', equals: 1 },
    },
    undo: 'irreversible',
  },
  twelve: { kind: 'git.branch', input: { repository: 'repository', name: 'dry', from: 'main' }, undo: 'reversible' },
  thirteen: { kind: 'sql.query', input: { target: 'shelf', query: 'select 1' }, undo: 'reversible' },
}

const PUBLISH = {
  title: 'publish {{what}}',
  kind: 'http.request',
  input: { method: 'POST', target: 'board', path: '/notes', body: '{{what}}' },
  verify: { kind: 'http', target: 'board', path: '/notes', body_contains: '{{what}}' },
}

const RULES = {
  pack: 'board',
  version: 1,
  description: 'A board with notes, and one of each kind',
  world: {
    targets: {
      board: { type: 'http', url: 'http://127.0.0.1:1' },
      shelf: { type: 'sql', url_env: 'SHELF_URL' },
      sleeper: { type: 'process', command: ['sleep', '60'] },
    },
  },
  rules: [
    {
      name: 'publish',
      match: 'publish {what:word} on the board',
      actions: [PUBLISH],
      tests: [{ say: 'publish v1 on the board' }],
    },
    ...Object.entries(SAMPLES).map(([name, { kind, input, verify }]) => ({
      name: `sample-${name}`,
      match: `show sample ${name}`,
      actions: [{ title: `sample ${name}`, kind, input, ...defined({ verify }) }],
      tests: [{ say: `show sample ${name}` }],
    })),
  ],
}

export interface MeshOfTwo extends MeshUnderTest {
  /** What was posted to the board, in order: the witness of effects that cannot be undone. */
  readonly notes: readonly string[]
  readonly shelf: TestDatabase<object>
  readonly operator: PlainClient
  readonly approver: PlainClient
}

export async function meshOfTwo(): Promise<MeshOfTwo> {
  await using opened = new AsyncDisposableStack()
  const notes: string[] = []
  const shelf = opened.use(await testDatabase('shelf', {}))
  await shelf.pool.query('create table shelf.books (id int primary key)')
  const board = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'POST') notes.push(Buffer.concat(chunks).toString())
      response.end(JSON.stringify(notes))
    })
  })
  await new Promise<void>((done) => board.listen(0, '127.0.0.1', done))
  opened.defer(() => void board.close())
  const folder = opened.use(temporaryFolder()).path
  mkdirSync(join(folder, 'rules'))
  writeFileSync(join(folder, 'rules/board.yaml'), JSON.stringify(RULES))
  const changes = { self_approval: false, approvers: { trainee: 1 } }
  const policy = writePolicyOfAnyHost(join(folder, 'policy.yaml'), changes)
  const under = opened.use(
    await meshUnderTest({
      config: `
targets:
  board: { type: http, url: "http://127.0.0.1:${(board.address() as AddressInfo).port}" }
  shelf: { type: sql, url_env: SHELF_URL }
  sleeper: { type: process, command: [sleep, "60"] }
commands: { allow: [cp, 'true'] }
`,
      env: { RULES_DIR: join(folder, 'rules'), DEED_POLICY: policy, SHELF_URL: shelf.url },
    }),
  )
  const operator = opened.use(await plainClient(under.mesh.connection))
  const approver = opened.use(await plainClient(under.mesh.connectionAs('approver')))
  writeFileSync(join(under.workspace, 'base.txt'), 'base\n')
  execFileSync('git', ['init', '-q', '-b', 'main', 'repository'], { cwd: under.workspace })
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
  execFileSync('git', [...author, 'commit', '-q', '--allow-empty', '-m', 'first'], {
    cwd: join(under.workspace, 'repository'),
  })
  const kept = opened.move()
  return { ...under, notes, shelf, operator, approver, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

export const begin = async ({ client }: MeshOfTwo, task: string): Promise<ExecutionId> =>
  (await client.call(requestExecution, { task, mode: 'background' })).execution_id

/** The command, in a process of its own, as from another terminal. */
export const deedOf = ({ mesh }: MeshOfTwo, ...args: string[]): Promise<Ended> => startDeed(mesh.dataDir, args).ended

export const decideAs = (
  by: PlainClient,
  subject: string,
  approval: Pick<ApprovalView, 'approval_id' | 'plan_hash'>,
  decision: 'approve' | 'deny' = 'approve',
) => by.ask(subject, { approval_id: approval.approval_id, decision, plan_hash: approval.plan_hash })

export const AS_APPROVER = 'approval.decide.local.approver'
