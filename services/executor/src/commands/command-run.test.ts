import { readFileSync, renameSync } from 'node:fs'
import { until } from '@deed/process/until'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { registerSecret } from '@deed/telemetry/redact'
import { actionIdOf } from '@deed/worker/action-id'
import { describe, expect, it } from 'vitest'
import { ALLOW, node, run, sandboxesHere } from '../../test/commands-in-sandboxes.ts'
import { testAttempt } from '../../test/test-attempt.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { act } from '../attempt/act.ts'
import { processesMarked } from '../processes/process-table.ts'
import { unconfined } from '../sandbox/unconfined.ts'

const { inEachSandbox } = await sandboxesHere()

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

  it('keeps secrets out of what is printed and stored', async () => {
    registerSecret('hunter2-hunter2')
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { result } = await executor.run(run(['echo', 'it is hunter2-hunter2']))
    expect(JSON.stringify(result)).not.toContain('hunter2')
  })

  it('is given a secret by name, in no argument, and what it prints of it reaches nobody', async () => {
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

  it('is reported with what it printed where it fails or is ended, without a secret', async () => {
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
