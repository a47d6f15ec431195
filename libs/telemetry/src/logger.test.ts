// Reads the lines that a separate process writes to its standard output.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const CANARY = 'canary "7f3b\\9c41/€'

describe('a log line', () => {
  it('is an object with level, time, service and the given fields', async () => {
    const before = Date.now()
    const [line] = await linesOf(`
      const log = createLogger('orchestrator').child({ execution_id: 'e-1', trace_id: 't-1' })
      log.info({ durationMs: 3 }, 'task finished')`)
    expect(line).toMatchObject({
      level: 'info',
      service: 'orchestrator',
      execution_id: 'e-1',
      trace_id: 't-1',
      durationMs: 3,
      msg: 'task finished',
    })
    expect(line!.time).toBeGreaterThanOrEqual(before)
    expect(line!.time).toBeLessThanOrEqual(Date.now())
  })

  it('contains no secret, at any position and in any encoding', async () => {
    const { stdout } = await run(
      `
      const secret = process.env.CANARY_TOKEN
      const log = createLogger('executor')
      log.info({ value: secret, [secret]: 1, list: [secret], json: JSON.stringify({ a: JSON.stringify(secret) }) }, secret)
      log.info({ basic: btoa('user:' + unescape(encodeURIComponent(secret))), url: 'http://x/?q=' + encodeURIComponent(secret) })
      log.child({ [secret]: secret }).warn({ hex: secret + secret }, 'twice ' + secret + secret)
      const cause = new TypeError('beneath ' + secret)
      log.error({ err: new Error('command failed: ' + secret, { cause }) }, 'failed')
      log.error(Object.assign(new AggregateError([cause], secret), { details: { secret } }))
      log.info({ url: 'postgres://deed:other-password@db/deed', authorization: 'Bearer abc' }, 'connecting')`,
      { CANARY_TOKEN: CANARY },
    )
    const lines = parseLines(stdout)
    expect(lines).toHaveLength(6)
    for (const part of [
      '7f3b',
      '9c41',
      'other-password',
      'Bearer abc',
      Buffer.from(CANARY).toString('base64').slice(3, 11),
    ]) {
      expect(stdout).not.toContain(part)
    }
    expect(JSON.stringify(lines)).not.toContain('canary')
    expect(lines[0]).toMatchObject({ value: '[redacted]', '[redacted]': 1, msg: '[redacted]' })
    expect(lines[3]!.err).toMatchObject({ type: 'Error' })
  })

  it('is written before the process exits, in the order of all its loggers', async () => {
    const lines = await linesOf(`
      const logs = [createLogger('a'), createLogger('b')]
      for (let n = 0; n < 5_000; n++) logs[n % 2].info({ n }, 'line')
      process.exit(0)`)
    expect(lines.map(({ n }) => n)).toEqual(Array.from({ length: 5_000 }, (_, n) => n))
  })

  it('is written when an uncaught error ends the process', async () => {
    const failure = run(`createLogger('a').info('last words'); setImmediate(() => { throw new Error('bug') })`)
    await expect(failure).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('last words') })
  })

  it('is omitted below the level of LOG_LEVEL', async () => {
    const script = `const log = createLogger('a'); log.debug('d'); log.info('i'); log.warn('w')`
    const levels = async (env: NodeJS.ProcessEnv) => (await linesOf(script, env)).map(({ msg }) => msg)
    expect(await levels({})).toEqual(['i', 'w'])
    expect(await levels({ LOG_LEVEL: 'warn' })).toEqual(['w'])
    expect(await levels({ LOG_LEVEL: 'debug' })).toEqual(['d', 'i', 'w'])
  })

  const onLinux = process.platform === 'linux'
  const notLinux = onLinux ? '' : ' (SKIPPED: only Linux has /dev/full)'
  it.runIf(onLinux)(`that cannot be written to a full disk does not end the process${notLinux}`, async () => {
    const code = `
      import { createLogger } from '@deed/telemetry/logger'
      const log = createLogger('a')
      for (let n = 0; n < 30_000; n++) log.info({ n }, 'a line that finds no room on the disk')
      setTimeout(() => { log.info('and another'); console.error('continued') }, 300)`
    const options = { cwd: import.meta.dirname, env: { PATH: process.env.PATH } }
    const shell = `"$0" --input-type=module --eval "$1" > /dev/full`
    const ended = promisify(execFile)('sh', ['-c', shell, process.execPath, code], options)
    await expect(ended).resolves.toEqual({ stdout: '', stderr: 'continued\n' })
  })

  it('goes to standard error if standard output is reserved', async () => {
    const { stdout, stderr } = await run(`createLogger('mcp', 2).info('hello')`)
    expect(stdout).toBe('')
    expect(parseLines(stderr)).toMatchObject([{ service: 'mcp', msg: 'hello' }])
  })
})

type Line = Record<string, unknown> & { time: number }

async function linesOf(script: string, env: NodeJS.ProcessEnv = {}): Promise<Line[]> {
  return parseLines((await run(script, env)).stdout)
}

function parseLines(output: string): Line[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

function run(script: string, env: NodeJS.ProcessEnv = {}): Promise<{ stdout: string; stderr: string }> {
  const code = `import { createLogger } from '@deed/telemetry/logger'\n${script}`
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, ...env },
    maxBuffer: 16 * 1024 * 1024,
  })
}
