import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/process/until'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { registerSecret } from '@deed/telemetry/redact'
import { actionIdOf } from '@deed/worker/action-id'
import { afterAll, describe, expect, it } from 'vitest'
import { testAttempt } from '../../test/test-attempt.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { act } from '../attempt/act.ts'
import { openAttempt } from '../attempt/attempt.ts'
import { temporaryNameOf } from '../files/temporary-name.ts'
import { readTree, treeLimits } from '../files/tree.ts'
import { processesMarked } from '../processes/process-table.ts'
import { chooseSandbox } from '../sandbox/choose-sandbox.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { unconfined } from '../sandbox/unconfined.ts'

const dataFolder = mkdtempSync(join(tmpdir(), 'deed-sandbox-'))
afterAll(() => rmSync(dataFolder, { recursive: true }))
const { sandbox: strongest } = await chooseSandbox({ mode: 'auto', dataFolder, protectedFiles: [] })

/** The allow-list, and every layer in which a command may do in its workspace what it likes. */
const SANDBOXES: { name: string; sandbox: Sandbox | undefined }[] = await Promise.all([
  { name: 'allow-list', sandbox: unconfined('allow-list') },
  ...(['bwrap', 'unshare'] as const).map(async (mode) => {
    try {
      const { sandbox } = await chooseSandbox({ mode, dataFolder, protectedFiles: [] })
      return { name: sandbox.name, sandbox }
    } catch {
      return { name: `${mode} (SKIPPED: ${mode} does not hold on this host)`, sandbox: undefined }
    }
  }),
])

function inEachSandbox(title: string, tests: (sandbox: Sandbox) => void): void {
  for (const { name, sandbox } of SANDBOXES)
    describe.skipIf(!sandbox)(`in the sandbox ${name}, ${title}`, () => tests(sandbox ?? unconfined('none')))
}

const ALLOW = 'commands: { allow: [node, echo, yes, sleep, env, "true", "false", setsid, touch, printf] }'
const run = (argv: string[], more: object = {}, input: object = {}) => ({
  kind: 'command.run',
  input: { argv, ...input } as JsonObject,
  ...more,
})
const node = (script: string) => run(['node', '-e', script])

inEachSandbox('running a command', (sandbox) => {
  it('passes arguments as they are: no shell reads them', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const argument = `; rm -rf / $(id) \`id\` | * \n "quoted"`
    const { outcome, result } = await executor.run(run(['printf', '%s', argument]))
    expect(outcome).toBe('done')
    expect(result?.data).toMatchObject({ exit_code: 0, stdout: argument })
  })

  it('is ended with a clear failure when its workspace is moved away, and the executor continues', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('inside/at', 'waiting')
    const script = `require('fs').writeFileSync('inside/at', String(process.pid)); setTimeout(() => {}, 600_000)`
    const running = executor.run(node(script))
    await until(() => executor.read('inside/at') !== 'waiting', { what: 'the command', timeoutMs: 60_000 })
    renameSync(executor.root, `${executor.root}-moved`)
    const { outcome, error } = await running
    expect({ outcome, code: error?.code }).toEqual({ outcome: 'failed', code: 'effect_failed' })
    expect(error?.message).toMatch(/its use of the workspace cannot be measured.*ENOENT/)
    renameSync(`${executor.root}-moved`, executor.root)
    expect((await executor.run(run(['true']))).outcome).toBe('done')
  })

  it('says that an exit code is all that was seen, and what confined it', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { evidence } = await executor.run(run(['true']))
    expect(evidence).toMatchObject({
      observed: 'exit code 0; nothing else was observed',
      facts: { exit_code: 0, sandbox: sandbox.name },
    })
    const { outcome, error } = await executor.run(run(['false']))
    expect({ outcome, code: error?.code }).toEqual({ outcome: 'failed', code: 'verification_failed' })
  })

  it.each([
    ['a program that is not there', ['no-such-program']],
    ['a program with a path', ['/bin/echo']],
    ['a program of the workspace', ['./echo']],
  ])('refuses %s', async (_, argv) => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    expect(await executor.run(run(argv))).toMatchObject({ effect: 'none', error: { code: 'command_not_allowed' } })
  })

  it('has a clean environment, to which only harmless variables may be added', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { result } = await executor.run(run(['env'], {}, { env: { TZ: 'UTC' } }))
    const names = String((result!.data as JsonObject).stdout).match(/^\w+(?==)/gm)
    expect(names?.toSorted()).toEqual(['DEED_ACTION', 'HOME', 'LANG', 'PATH', 'PWD', 'TZ'])
    for (const name of MAKES_PROGRAMS_RUN) {
      const refused = await executor.run(run(['env'], {}, { env: { [name]: '/tmp/x.so' } }))
      expect(refused, name).toMatchObject({ effect: 'none', error: { code: 'unknown_field' } })
    }
  })

  it('cuts long output and says so; endless output is ended', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const long = await executor.run(node('process.stdout.write("x".repeat(3_000_000))'))
    expect(long).toMatchObject({ outcome: 'done', result: { data: { truncated: true } } })
    const work = await executor.dispatch(run(['yes']))
    const endless = await executor.attempt(work)
    expect(endless).toMatchObject({ outcome: 'failed', effect: 'unknown', error: { code: 'limit_exceeded' } })
    expect(processesMarked(`DEED_ACTION=${actionIdOf(work.task_id)}`)).toEqual([])
  })

  it('keeps secrets out of what is told and stored', async () => {
    registerSecret('hunter2-hunter2')
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { result } = await executor.run(run(['echo', 'it is hunter2-hunter2']))
    expect(JSON.stringify(result)).not.toContain('hunter2')
  })

  it('is given a secret by name, in no argument, and what it prints of it is told to nobody', async () => {
    const value = `canary-${sandbox.name}-value`
    const yaml = `${ALLOW}\nsecrets: { token: { env: APP_TOKEN }, empty: { env: NOT_SET } }`
    await using executor = await testExecutor(yaml, { APP_TOKEN: value }, sandbox)
    const script = `const value = process.env.APP_TOKEN
      console.log(value.length, value, Buffer.from(value).toString('base64'), encodeURIComponent(value))
      console.error(JSON.stringify({ value })); setTimeout(() => {}, 300)`
    const work = await executor.dispatch(run(['node', '-e', script], {}, { secrets: ['token'] }))
    const running = executor.attempt(work)
    const lines = new Set<string>()
    await until(() => {
      for (const { pid } of processesMarked(`DEED_ACTION=${actionIdOf(work.task_id)}`))
        lines.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      return [...lines].some((line) => line.includes('APP_TOKEN'))
    })
    const done = await running
    expect([...lines].join()).not.toContain(value)
    expect(done).toMatchObject({ outcome: 'done' })
    expect(JSON.stringify(done)).toContain(`${value.length} [redacted] [redacted]`)
    expect(JSON.stringify(done)).not.toContain('canary-')
    for (const secrets of [['tokn'], ['empty']])
      expect(await executor.run(run(['true'], {}, { secrets }))).toMatchObject({
        effect: 'none',
        error: { code: 'invalid_request' },
      })
  })

  it('does not tell the part of a secret at which its output was cut', async () => {
    registerSecret('split-secret-split-secret')
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const print = `process.stdout.write('split-secret-split-secret'.repeat(100_000))`
    const { result } = await executor.run(node(print))
    expect(result?.data).toMatchObject({ truncated: true })
    expect(JSON.stringify(result)).not.toContain('split')
  })

  it('is told with what it printed where it fails or is ended, without a secret', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    registerSecret('hunter2hunter2')
    const script = `console.log('first'); console.error('no such table: users, hunter2hunter2');`
    const { evidence, error } = await executor.run(node(`${script} process.exitCode = 3`))
    for (const text of [evidence?.observed, error?.message]) {
      expect(text).toMatch(/exit code 3;.* it printed: first\nno such table: users, /)
      expect(text).not.toContain('hunter2')
    }
    const long = await executor.run(node(`console.log('x'.repeat(100_000) + 'the end'); process.exitCode = 1`))
    expect(long.error?.message).toMatch(/it printed: \.\.\. x+the end$/)
    expect(long.error?.message.length).toBeLessThan(2_200)
    const ended = await executor.run({ ...node(`${script} setInterval(() => {}, 1000)`), timeout_ms: 3_000 })
    expect(ended.error?.message).toMatch(/longer than 3000 ms.* it printed: first\nno such table/)
    expect(ended.error).toMatchObject({ code: 'limit_exceeded', details: { limit: 'time' } })
  })

  it('leaves no process behind, not even one in a session of its own', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(run(['setsid', '--fork', 'sleep', '300']))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      // The end of a box is the end of all in it, before anybody can count them.
      evidence: { facts: sandbox.confines ? {} : { processes_ended: 1 } },
    })
    expect(processesMarked(`DEED_ACTION=${actionIdOf(work.task_id)}`)).toEqual([])
  })

  it('ends at its deadline with all its processes', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const script = `require('node:child_process').spawn('sleep', ['300'], { detached: true }); setInterval(() => {}, 1e6)`
    const work = await executor.dispatch({ ...node(script), timeout_ms: 500 })
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'failed', error: { code: 'limit_exceeded' } })
    expect(processesMarked(`DEED_ACTION=${actionIdOf(work.task_id)}`)).toEqual([])
  })

  it('ends with all its processes when it is stopped', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(run(['sleep', '300']))
    const attempt = testAttempt(work)
    const acting = act(attempt, executor.dependencies)
    const mark = `DEED_ACTION=${attempt.actionId}`
    await until(() => processesMarked(mark).length > 0)
    attempt.stop(new DeedError('cancelled', 'no longer wanted'))
    expect(await acting).toMatchObject({ outcome: 'failed', effect: 'unknown', error: { code: 'cancelled' } })
    expect(processesMarked(mark)).toEqual([])
  })

  it('counts as done what the caller asks to see, whatever the exit code', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const verify = { kind: 'file', path: 'made.txt', exists: true } as const
    const action = { ...node(`require('node:fs').writeFileSync('made.txt', 'x'); process.exit(3)`), verify }
    expect(await executor.run(action)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(await executor.run({ ...action, already_so: 'skip' })).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
  })

  it('is run though what the caller asks to see was there before, and then needs exit code 0 as well', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('made.txt', 'of an earlier run')
    const verify = { kind: 'file', path: 'made.txt' } as const
    const built = { ...node(`require('node:fs').writeFileSync('made.txt', 'new')`), verify }
    expect(await executor.run(built)).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: {
        observed: expect.stringMatching(/^exit code 0; .*held before, too, so it proves nothing of this run$/),
      },
    })
    expect(executor.read('made.txt')).toBe('new')
    expect(await executor.run({ ...node('process.exit(3)'), verify })).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed', message: expect.stringContaining('exit code 3') },
    })
  })
})

/** Variables by which a program loads or runs another one. */
const MAKES_PROGRAMS_RUN = [
  ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT', 'PATH', 'IFS', 'BASH_ENV', 'ENV', 'SHELL', 'PS4', 'PROMPT_COMMAND'],
  ...[
    'NODE_OPTIONS',
    'NODE_PATH',
    'PYTHONPATH',
    'PYTHONSTARTUP',
    'PERL5OPT',
    'PERL5LIB',
    'RUBYOPT',
    'JAVA_TOOL_OPTIONS',
  ],
  ...[
    'GIT_SSH_COMMAND',
    'GIT_EXTERNAL_DIFF',
    'GIT_CONFIG_COUNT',
    'GIT_EXEC_PATH',
    'EDITOR',
    'VISUAL',
    'PAGER',
    'MANPAGER',
  ],
  ...['LESSOPEN', 'BROWSER', 'ERL_FLAGS', 'npm_config_script_shell', 'DOTNET_STARTUP_HOOKS', 'GCONV_PATH', 'HOME'],
]

describe('where nothing confines', () => {
  it('only programs of the list are started', async () => {
    await using executor = await testExecutor(ALLOW)
    expect(await executor.run(run(['ls']))).toMatchObject({ effect: 'none', error: { code: 'command_not_allowed' } })
  })

  it('any program is started when the configuration asks for no sandbox by name, and the evidence says so', async () => {
    await using executor = await testExecutor('commands: { sandbox: none }', {}, unconfined('none'))
    const { outcome, evidence } = await executor.run(run(['ls']))
    expect({ outcome, sandbox: evidence?.facts?.sandbox }).toEqual({ outcome: 'done', sandbox: 'none' })
  })
})

inEachSandbox('undoing a command', (sandbox) => {
  it('brings the workspace back to the byte: names, modes, bytes and links', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { root, world } = executor
    executor.write('keep/a.txt', 'a')
    executor.write('change.txt', 'before')
    executor.write('gone.txt', 'gone')
    chmodSync(join(root, 'change.txt'), 0o640)
    symlinkSync('change.txt', join(root, 'link'))
    mkdirSync(join(root, 'empty'))
    const workspace = { root, base: [] }
    const before = (await readTree(workspace, world.blobs, { limits: treeLimits(world.config) })).hash
    const work = await executor.dispatch(
      node(`const fs = require('node:fs')
        fs.writeFileSync('change.txt', 'after'); fs.chmodSync('change.txt', 0o777); fs.unlinkSync('gone.txt')
        fs.unlinkSync('link'); fs.symlinkSync('keep', 'link'); fs.rmdirSync('empty'); fs.writeFileSync('empty', 'a file')
        fs.mkdirSync('new/deep', { recursive: true }); fs.writeFileSync('new/deep/x', 'x'); fs.rmSync('keep', { recursive: true })`),
    )
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', evidence: { facts: { exit_code: 0 } } })
    expect((await readTree(workspace, world.blobs, { limits: treeLimits(world.config) })).hash).not.toBe(before)
    // What others do meanwhile, elsewhere in the workspace, stays.
    executor.write('others.txt', 'others')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('others.txt')).toBe('others')
    rmSync(join(root, 'others.txt'))
    expect((await readTree(workspace, world.blobs, { limits: treeLimits(world.config) })).hash).toBe(before)
    expect(readlinkSync(join(root, 'link'))).toBe('change.txt')
    expect(statSync(join(root, 'change.txt')).mode & 0o777).toBe(0o640)
  })

  it('gives back to a file the names that it had, and no others', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { root } = executor
    executor.write('first', 'one')
    linkSync(join(root, 'first'), join(root, 'second'))
    executor.write('sub/other', 'two')
    linkSync(join(root, 'sub/other'), join(root, 'other'))
    const work = await executor.dispatch(
      node(`const fs = require('node:fs'); fs.writeFileSync('second', 'changed'); fs.rmSync('sub', { recursive: true })
        fs.linkSync('other', 'added')`),
    )
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('first')).toBe('changed')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    const file = (name: string) => `${executor.read(name)} in ${statSync(join(root, name)).ino}`
    expect(file('second')).toBe(file('first'))
    expect(file('sub/other')).toBe(file('other'))
    expect([executor.read('first'), executor.read('other'), executor.read('added')]).toEqual(['one', 'two', undefined])
    expect(['first', 'other'].map((name) => statSync(join(root, name)).nlink)).toEqual([2, 2])
  })

  it('leaves alone what somebody has changed since', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(run(['touch', 'made.txt']))
    await executor.attempt(work)
    executor.write('made.txt', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('made.txt')).toBe('theirs')
  })

  it('brings back what a command did whose attempt died', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('a.txt', 'before')
    const work = await executor.dispatch(node(`require('node:fs').writeFileSync('a.txt', 'after')`))
    const attempt = testAttempt(work)
    await act(attempt, executor.dependencies)
    expect(executor.read('a.txt')).toBe('after')
    // No outcome was written, so nobody knows what it changed.
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a.txt')).toBe('before')
    expect(existsSync(join(executor.root, `.deed-${attempt.actionId}.tmp`))).toBe(false)
  })

  it('leaves alone what somebody has changed since its attempt died, and says so', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('own.txt', 'before')
    executor.write('mine.txt', 'mine')
    const work = await executor.dispatch(node(`require('node:fs').writeFileSync('own.txt', 'after')`))
    await act(testAttempt(work), executor.dependencies)
    // The times of files move in steps of up to 10 ms: in the same step nobody could say who has written.
    await sleep(20)
    executor.write('mine.txt', 'mine, changed')
    const undoing = await executor.dispatch(work.action, { after: work, intent: 'undo' })
    const conflict = { code: 'undo_conflict', message: expect.stringContaining('mine.txt') }
    expect(await executor.attempt(undoing)).toMatchObject({ outcome: 'failed', error: conflict })
    expect([executor.read('own.txt'), executor.read('mine.txt')]).toEqual(['after', 'mine, changed'])
    executor.write('mine.txt', 'mine')
    expect(await executor.undo(undoing)).toMatchObject({ outcome: 'done' })
    expect(executor.read('own.txt')).toBe('before')
  })

  it('that was stopped in the middle goes by what it had changed then, not by what anybody has since', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(
      node(`require('node:fs').writeFileSync('half', ''); setTimeout(() => {}, 60_000)`),
    )
    const attempt = testAttempt(work)
    const running = act(attempt, executor.dependencies)
    await until(() => executor.read('half') !== undefined)
    attempt.stop(new DeedError('cancelled', 'no longer wanted'))
    const stopped = await running
    expect(stopped).toMatchObject({ error: { code: 'cancelled' }, effect: 'unknown', after: { count: 1 } })
    if (stopped === 'stale') throw new Error('it may not act')
    const { tenant, token, intent } = work
    await executor.dependencies.ledger.writeOutcome({
      ...{ ...stopped, actionId: attempt.actionId },
      ...{ tenant, token, intent },
    })
    executor.write('mine', 'mine')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('half'), executor.read('mine')]).toEqual([undefined, 'mine'])
  })

  it('says that what was there is not kept, and is found done all the same', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch({ ...run(['touch', 'made']), verify: { kind: 'file', path: 'made' } })
    await act(testAttempt(work), executor.dependencies)
    rmSync(join(executor.world.dataFolder, 'snapshots'), { recursive: true })
    const again = await executor.dispatch(work.action, { after: work })
    expect(await executor.attempt(again)).toMatchObject({ outcome: 'done', evidence: { already_so: true } })
    expect(await executor.undo(again)).toMatchObject({ outcome: 'failed', error: { code: 'compensation_failed' } })
    expect(executor.read('made')).toBe('')
  })

  it('goes by the newest of its attempts', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const script = `const fs = require('node:fs'); fs.writeFileSync('first', '')
      if (fs.existsSync('go')) fs.writeFileSync('second', '')`
    const action = { ...node(script), verify: { kind: 'file' as const, path: 'second' } }
    const half = await executor.dispatch(action)
    expect(await executor.attempt(half)).toMatchObject({ outcome: 'failed', effect: 'made' })
    executor.write('go', '')
    const whole = await executor.dispatch(action, { after: half })
    await act(testAttempt(whole), executor.dependencies)
    expect([executor.read('first'), executor.read('second')]).toEqual(['', ''])
    expect(await executor.undo(whole)).toMatchObject({ outcome: 'done' })
    expect([executor.read('first'), executor.read('second'), executor.read('go')]).toEqual([undefined, undefined, ''])
  })
})

inEachSandbox('a command beside other actions', (sandbox) => {
  const slow = (name: string) =>
    node(
      `const fs = require('fs'); fs.writeFileSync('${name}', ''); setTimeout(() => fs.writeFileSync('${name}.end', ''), 700)`,
    )
  /** Runs until there is a file of that name with the ending `.go`. */
  const lasting = (name: string) =>
    node(`const fs = require('fs'); fs.writeFileSync('${name}', '');
      const look = () => fs.existsSync('${name}.go') ? fs.writeFileSync('${name}.end', '') : setTimeout(look, 20); look()`)
  const other = { kind: 'file.write', input: { path: 'made/by/other', content: 'it' } }

  it('is undone without what they have written meanwhile', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(slow('own'))
    const running = executor.attempt(work)
    await until(() => executor.read('own') !== undefined)
    expect(await executor.run(other)).toMatchObject({ outcome: 'done' })
    expect(await running).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read('own.end')]).toEqual([undefined, undefined])
    expect(executor.read('made/by/other')).toBe('it')
  })

  it('is undone without what they were about to put in place', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const temporary = temporaryNameOf(actionIdOf((await executor.dispatch(other)).task_id))
    executor.write(temporary, 'it')
    const work = await executor.dispatch(slow('own'))
    const running = executor.attempt(work)
    await until(() => executor.read('own') !== undefined)
    rmSync(join(executor.root, temporary))
    expect(await running).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read(temporary)]).toEqual([undefined, undefined])
  })

  it('is undone without what they wrote after it had looked, however late its intent was', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { ledger } = executor.dependencies
    const work = await executor.dispatch(run(['touch', 'own']))
    const attempt = testAttempt(work)
    // As if five seconds lay between the look and the intent.
    const writeIntent: typeof ledger.writeIntent = async (intent) => {
      expect(await executor.run(other)).toMatchObject({ outcome: 'done' })
      await executor.database.query(
        'earlier',
        `update actions set finished_at = finished_at - interval '4 seconds'`,
        [],
      )
      return ledger.writeIntent({ ...intent, lookedAt: intent.lookedAt - 5_000 })
    }
    const conclusion = await act(attempt, { ...executor.dependencies, ledger: { ...ledger, writeIntent } })
    expect(conclusion).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read('made/by/other')]).toEqual([undefined, 'it'])
  })

  it('is brought back after its attempt died, without what a command wrote that ran since', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(run(['touch', 'own']))
    await act(testAttempt(work), executor.dependencies)
    expect(await executor.run(run(['touch', 'theirs']))).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read('theirs')]).toEqual([undefined, ''])
  })

  it('is undone with what it did to a file that another command had changed just before it', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const adding = (line: string) => node(`require('fs').appendFileSync('lines', '${line} ')`)
    await executor.run(adding('first'))
    const work = await executor.dispatch(adding('second'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', after: { count: 1 } })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('lines')).toBe('first ')
  })

  it('is told from others that died as well, in whatever order they are taken back or tried again', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const leaving = (name: string) => ({
      ...node(
        `const fs = require('node:fs'); fs.appendFileSync('${name}.runs', 'run'); fs.writeFileSync('${name}', '')`,
      ),
      verify: { kind: 'file' as const, path: `${name}.never` },
    })
    const dying = async (name: string) => {
      const work = await executor.dispatch(leaving(name))
      await act(testAttempt(work), executor.dependencies)
      await executor.database.query('over', 'delete from orchestrator.dispatch where task_id = $1', [work.task_id])
      return work
    }
    const seen = (name: string) => [executor.read(`${name}.runs`), executor.read(name)]
    const [first, second] = [await dying('a'), await dying('b')]
    const third = await dying('c')
    expect(await executor.undo(first)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect([seen('a'), seen('b'), seen('c')]).toEqual([
      [undefined, undefined],
      ['run', ''],
      ['run', ''],
    ])
    const again = await executor.dispatch(second.action, { after: second })
    expect(await executor.attempt(again)).toMatchObject({ outcome: 'failed', after: { count: 2 } })
    expect([seen('b'), seen('c')]).toEqual([
      ['run', ''],
      ['run', ''],
    ])
    expect(await executor.undo(third)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(await executor.undo(again)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(readdirSync(executor.root)).toEqual([])
  })

  it('keeps nothing of what it finds changed once its lease has expired', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(lasting('own'))
    const attempt = openAttempt(work, actionIdOf(work.task_id))
    const running = act(attempt, executor.dependencies)
    await until(() => executor.read('own') !== undefined)
    // As after a freeze: nobody has looked at the clock since.
    attempt.extend(performance.now() - 1)
    executor.write('own.go', '')
    const conclusion = await running
    expect(conclusion).toMatchObject({ outcome: 'failed', effect: 'unknown', error: { code: 'lease_lost' } })
    expect(conclusion).toMatchObject({ after: undefined })
  })

  it('ends first the processes of attempts that have ended', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const forsaken = await executor.dispatch(lasting('forsaken'))
    const running = executor.attempt(forsaken)
    await until(() => executor.read('forsaken') !== undefined)
    await executor.database.query('over', 'delete from orchestrator.dispatch where task_id = $1', [forsaken.task_id])
    expect(await executor.run(run(['true']))).toMatchObject({ outcome: 'done' })
    expect(processesMarked(`DEED_ACTION=${actionIdOf(forsaken.task_id)}`)).toEqual([])
    await running
    expect(executor.read('forsaken.end')).toBeUndefined()
  })

  it('is undone with what it did to files that were written before it', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('older', 'before')
    const work = await executor.dispatch(node(`require('fs').writeFileSync('older', 'changed')`))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('older')).toBe('before')
  })
})

const confining = strongest.confines ? '' : ' (SKIPPED: nothing confines commands on this host)'

describe.skipIf(!strongest.confines)(`a command that may reach hosts${confining}`, () => {
  /** Tells each client which line it has sent. */
  async function listening(): Promise<AsyncDisposable & { port: number; got: string[] }> {
    const got: string[] = []
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        got.push(String(chunk))
        socket.end(`heard ${chunk}`)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { port, got, [Symbol.asyncDispose]: async () => void server.close() }
  }

  /** Asks the proxy for a tunnel and sends a line through it; prints what comes back. */
  const through = (authority: string) => `
    const { hostname, port } = new URL(process.env.https_proxy)
    const socket = require('node:net').connect(port, hostname)
    socket.write('CONNECT ${authority} HTTP/1.1\\r\\n\\r\\n')
    socket.once('data', (head) => { process.stdout.write(String(head)); if (String(head).includes(' 200 ')) socket.write('a line') })
    socket.on('data', (chunk) => process.stdout.write(chunk))`

  it('reaches them through the proxy, and the evidence says how much went there', async () => {
    await using host = await listening()
    const yaml = `targets: { site: { type: http, url: "http://127.0.0.1:${host.port}" } }`
    await using executor = await testExecutor(yaml, {}, strongest)
    const script = through(`127.0.0.1:${host.port}`)
    const { evidence, result } = await executor.run(run(['node', '-e', script], {}, { allow_hosts: ['site'] }))
    expect(String((result!.data as JsonObject).stdout)).toContain('heard a line')
    expect(evidence?.facts?.network).toEqual({
      hosts: [{ host: `127.0.0.1:${host.port}`, connections: 1, bytes_out: 6, bytes_in: 12 }],
      refused: [],
    })
    expect(host.got).toEqual(['a line'])
  })

  it('reaches no other, and the evidence names what it asked for', async () => {
    await using host = await listening()
    await using executor = await testExecutor('', {}, strongest)
    for (const authority of [`127.0.0.1:${host.port}`, 'elsewhere.example:443']) {
      const script = through(authority)
      const { evidence, result } = await executor.run(run(['node', '-e', script], {}, { allow_hosts: ['example.com'] }))
      expect(String((result!.data as JsonObject).stdout)).toMatch(/^HTTP\/1.1 403 /)
      expect(evidence?.facts?.network).toEqual({ hosts: [], refused: [authority] })
    }
    expect(host.got).toEqual([])
  })

  it('is not taken past the check of addresses by a name', async () => {
    await using host = await listening()
    await using executor = await testExecutor('', {}, strongest)
    const local = `${hostname().toLowerCase()}:${host.port}`
    const { result } = await executor.run(run(['node', '-e', through(local)], {}, { allow_hosts: [local] }))
    expect(String((result!.data as JsonObject).stdout)).toMatch(/^HTTP\/1.1 502 /)
    expect(host.got).toEqual([])
  })

  it.each(['127.0.0.1', '10.0.0.1:80', 'localhost', 'a.localhost:443', 'user@host', 'a b', '*.example.com', ''])(
    'may not ask for %j',
    async (name) => {
      await using executor = await testExecutor('', {}, strongest)
      const refused = await executor.run(run(['true'], {}, { allow_hosts: [name] }))
      expect(refused).toMatchObject({ effect: 'none', outcome: 'failed' })
      expect(['invalid_request', 'blocked_address']).toContain(refused.error?.code)
    },
  )
})

describe('what a program was agreed to be confined by', () => {
  it('is there, or more than that, else nothing runs', async () => {
    await using executor = await testExecutor(ALLOW)
    const weaker = await executor.run(run(['touch', 'a.txt'], { expect_sandbox: 'bwrap+seccomp' }))
    expect(weaker).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'precondition_failed', message: expect.stringContaining('not bwrap+seccomp') },
    })
    expect(executor.read('a.txt')).toBeUndefined()
    const equal = run(['touch', 'b.txt'], { expect_sandbox: 'allow-list', verify: { kind: 'exit_code', equals: 0 } })
    expect(await executor.run(equal)).toMatchObject({ outcome: 'done' })
    expect(executor.read('b.txt')).toBe('')
  })
})
