// What a mesh is at, as a person at a terminal sees it, and as a script does.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { ask } from '@deed/drill/harness/ask'
import { COMMAND, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SCRIPT = spawnSync('script', ['--version']).status === 0
const [WIDTH, HEIGHT] = [80, 24]

let under: MeshUnderTest
beforeAll(async () => {
  under = await meshUnderTest({ config: 'commands: { allow: [sh] }\n' })
  const { client } = under
  await ask(client, { task: 'write "x" to a.txt', idempotency_key: 'done' })
  await ask(client, { task: 'read nothing.txt', idempotency_key: 'failed' })
  await client.call(requestExecution, { task: 'run `sh -c true`', mode: 'background' })
  await until(async () => {
    const { rowCount } = await under.database.query(`select from orchestrator.approvals where status = 'pending'`)
    return rowCount === 1
  })
}, 120_000)
afterAll(() => under?.[Symbol.asyncDispose]())

describe('deed top', () => {
  it('prints one screen of a terminal, or one document, and ends', async () => {
    const { dataDir } = under.mesh
    const { code, stdout } = await startDeed(dataDir, ['top', '--once'], { env: { COLUMNS: `${WIDTH}` } }).ended
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThan(HEIGHT)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(WIDTH)
    expect(stdout).toMatch(/executions +planning 0, waiting 1, running 0/)
    expect(stdout).toMatch(/for people +1 execution, 0 reviews, oldest approval \d/)
    expect(stdout).toMatch(/level \d {2}run `sh -c true`/)
    expect(stdout).toMatch(/failed {2}read nothing\.txt/)
    const { stdout: json } = await startDeed(dataDir, ['top', '--json']).ended
    expect(JSON.parse(json)).toMatchObject({
      open: { waiting: 1 },
      workers: { act: { busy: 0 } },
      people: { executions: 1, approvals: [{ task: 'run `sh -c true`' }] },
      failures: [{ task: 'read nothing.txt', status: 'failed' }],
    })
  })

  it.skipIf(!SCRIPT)(
    'draws a terminal again when it is resized, follows what happens, and gives it back at q and at Ctrl+C',
    async () => {
      for (const key of ['q', '\u0003']) {
        using terminal = openTerminal()
        await terminal.shows('Deed at')
        expect(terminal.read()).toContain('\u001b[?1049h')
        const task = `read away-${key.charCodeAt(0)}.txt`
        await ask(under.client, { task, idempotency_key: task.replace(' ', '-') })
        await terminal.shows(task)
        const before = terminal.read().length
        execFileSync('stty', ['-F', terminal.device(), 'cols', '60', 'rows', '12'])
        await until(() => widest(lastFrame(terminal.read().slice(before))) <= 60)
        expect(lastFrame(terminal.read()).length).toBeLessThanOrEqual(12)
        terminal.type(key)
        expect(await terminal.ended).toBe(0)
        expect(terminal.read()).toContain('\u001b[?25h\u001b[?1049l')
        expect(terminal.settingsAfter()).toBe(terminal.settingsBefore())
      }
    },
    60_000,
  )
})

/** The lines of the last whole screen. */
function lastFrame(written: string): string[] {
  const frames = written.split('\u001b[H').filter((frame) => frame.includes('\u001b[J'))
  return stripVTControlCharacters(frames.at(-1) ?? 'x'.repeat(WIDTH + 1)).split('\r\n')
}

const widest = (lines: readonly string[]): number => Math.max(...lines.map((line) => line.trimEnd().length))

/** `deed top` on a pseudo-terminal of its own. */
function openTerminal() {
  const file = (name: string): string => join(under.mesh.dataDir, `terminal-${name}`)
  const line = [
    `stty cols ${WIDTH} rows ${HEIGHT}`,
    `tty > '${file('device')}'`,
    `stty -g > '${file('before')}'`,
    `'${process.execPath}' '${COMMAND}' top`,
    'code=$?',
    `stty -g > '${file('after')}'`,
    'exit $code',
  ].join('; ')
  const env = { PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh', DEED_DATA_DIR: under.mesh.dataDir }
  const child = spawn('script', ['-qec', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  let written = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const contentOf = (name: string): string => readFileSync(file(name), 'utf8').trim()
  return {
    read: () => written,
    shows: (text: string) => until(() => lastFrame(written).join('\n').includes(text), { what: text }),
    type: (key: string) => void child.stdin.write(key),
    device: () => contentOf('device'),
    settingsBefore: () => contentOf('before'),
    settingsAfter: () => contentOf('after'),
    ended,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}
