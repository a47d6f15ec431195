// Manifests as people use them: the command as a child process, on a mesh of real parts.
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replyText } from './show/execution.ts'
import type { Paint } from './terminal/paint.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest

beforeAll(async () => {
  const server = createServer((_, response) => response.end('well')).listen(0, '127.0.0.1')
  opened.defer(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const config = `targets:\n  status: { type: http, url: "http://127.0.0.1:${port}" }\n`
  under = opened.use(await meshUnderTest({ config }))
})
afterAll(() => opened.disposeAsync())

const deed = (...args: string[]): Promise<Ended> => startDeed(under.mesh.dataDir, args, { cwd: under.workspace }).ended

const at = (...path: string[]): string => join(under.workspace, ...path)

function manifest(file: string, content: string): string {
  const text = `name: site
tasks:
  - id: page
    action: { kind: file.write, input: { path: site/page.txt, content: "${content}" } }
    depends_on: [folder]
  - id: folder
    action: { kind: dir.create, input: { path: site } }
`
  writeFileSync(at(file), text)
  return at(file)
}

describe('deed apply, diff and delete', () => {
  it('compares, does, finds it so, does again what was undone', async () => {
    const file = manifest('site.yaml', 'one')
    const before = await deed('diff', '-f', file, '--json')
    expect(before.code).toBe(1)
    expect(JSON.parse(before.stdout)).toMatchObject({ name: 'site', change: 2, already_so: 0 })
    expect(existsSync(at('site'))).toBe(false)

    const first = await deed('apply', '-f', file, '--json')
    const { execution_id: id, status } = JSON.parse(first.stdout)
    expect([first.code, status]).toEqual([0, 'done'])
    expect(readFileSync(at('site/page.txt'), 'utf8')).toBe('one')
    const again = await deed('apply', '-f', file, '--json')
    const same = JSON.parse(again.stdout)
    expect(same).toMatchObject({ execution_id: id, status: 'done', nothing_to_do: true, age_ms: 0 })
    // Observed now, and not when it was done.
    expect(Date.parse(same.seen_at)).toBeGreaterThan(Date.parse(JSON.parse(first.stdout).seen_at))
    expect((await deed('apply', '-f', file)).stdout).toContain('nothing to do: 2 steps observed at ')

    const after = await deed('diff', '-f', file)
    expect(after.stdout).toContain('0 would change, 2 already so')
    expect(after.code).toBe(0)

    const undone = await deed('delete', 'site', '--json')
    expect(JSON.parse(undone.stdout)).toMatchObject({ execution_id: id, status: 'rolled_back' })
    expect(existsSync(at('site'))).toBe(false)
    const nothing = await deed('delete', '-f', file, '--json')
    expect(nothing.code).toBe(2)
    expect(JSON.parse(nothing.stdout)).toMatchObject({ error: { code: 'not_found' } })

    const redone = await deed('apply', '-f', file, '--json')
    expect(JSON.parse(redone.stdout)).toMatchObject({ status: 'done' })
    expect(JSON.parse(redone.stdout).execution_id).not.toBe(id)
  })

  it('of a changed manifest does what has changed, and leaves what is so', async () => {
    const file = manifest('site.yaml', 'two')
    const shown = await deed('diff', '-f', file)
    expect(shown.stdout).toContain('-one')
    expect(shown.stdout).toContain('+two')
    expect(shown.stdout).toContain('1 would change, 1 already so')
    const { code, stdout } = await deed('apply', '--yes', '-f', file, '--json')
    expect([code, JSON.parse(stdout).status]).toEqual([0, 'done'])
    expect(readFileSync(at('site/page.txt'), 'utf8')).toBe('two')
  })

  it('undoes what every execution of the manifest did, the newest first', async () => {
    const { code, stdout } = await deed('delete', 'site', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { results: [{ status: 'rolled_back' }, { status: 'rolled_back' }] },
    ])
    expect(existsSync(at('site'))).toBe(false)
    expect((await deed('delete', 'site')).code).toBe(2)
  })

  it('finds a file that it has moved before to be moved, and says when that was seen', async () => {
    writeFileSync(at('from.txt'), 'it')
    writeFileSync(
      at('move.yaml'),
      'name: move\ntasks: [{ id: it, action: { kind: file.move, input: { from: from.txt, to: to.txt } } }]\n',
    )
    const apply = () => deed('apply', '--yes', '-f', at('move.yaml'))
    expect((await apply()).code).toBe(0)
    const again = await apply()
    expect(again, again.stderr).toMatchObject({ code: 0 })
    expect(again.stdout).toMatch(/nothing to do: 1 step observed at \d{4}-\S+ \S+ UTC \(.*\) to be so already/)
    writeFileSync(at('to.txt'), 'something else')
    expect((await apply()).code).toBe(2)
  })

  it('counts a step that only reads as no change', async () => {
    const file = at('reads.yaml')
    writeFileSync(
      file,
      `name: reads\ntasks:\n  - id: look\n    action: { kind: http.request, input: { target: status, method: GET, path: / } }\n`,
    )
    const shown = await deed('diff', '-f', file)
    expect([shown.code, shown.stdout.split('\n').at(-2)]).toEqual([0, '0 would change, 0 already so, 1 only read'])
    const ids = [1, 2].map(() => deed('apply', '-f', file, '--json').then(({ stdout }) => JSON.parse(stdout)))
    expect(await Promise.all(ids)).toMatchObject([{ status: 'done' }, { status: 'done' }])
  })

  it('makes it so again where the world has changed since, and nothing else', async () => {
    const file = at('drift.yaml')
    writeFileSync(
      file,
      `name: drift
tasks:
  - id: folder
    action: { kind: dir.create, input: { path: drift } }
  - id: page
    action: { kind: file.write, input: { path: drift/page.txt, content: "as wanted" } }
    depends_on: [folder]
`,
    )
    const apply = async () => {
      const { code, stdout } = await deed('apply', '--yes', '-f', file, '--json')
      return { code, reply: JSON.parse(stdout) }
    }
    const ids = [(await apply()).reply.execution_id]
    for (const change of [() => rmSync(at('drift/page.txt')), () => writeFileSync(at('drift/page.txt'), 'other')]) {
      change()
      const { code, reply } = await apply()
      expect([code, reply.status]).toEqual([0, 'done'])
      expect(ids).not.toContain(reply.execution_id)
      ids.push(reply.execution_id)
      expect(readFileSync(at('drift/page.txt'), 'utf8')).toBe('as wanted')
      expect((await deed('diff', '-f', file)).stdout).toContain('0 would change, 2 already so')
    }
    expect((await apply()).reply).toMatchObject({ execution_id: ids.at(-1), nothing_to_do: true })
  })

  it('says how old the answer of a key is', async () => {
    const asked = ['run', '--key', 'once-only', 'create the folder keyed']
    const first = JSON.parse((await deed(...asked, '--json')).stdout)
    expect(first.seen_at).toBe(first.verification[0].observed_at)
    rmSync(at('keyed'), { recursive: true })
    const old = JSON.parse((await deed(...asked, '--json')).stdout)
    expect(old).toMatchObject({ execution_id: first.execution_id, seen_at: first.seen_at })
    expect(old.age_ms).toBeGreaterThan(first.age_ms)
    const plain: Paint = (_style, text) => text
    expect(replyText({ ...old, age_ms: 60_000 }, plain, performance.now())).toContain(`seen at ${first.seen_at}`)
    expect(replyText({ ...old, age_ms: 500 }, plain, performance.now())).not.toContain('seen at')
  })

  it('says the line of what is wrong', async () => {
    writeFileSync(at('bad.yaml'), 'name: bad\ntasks:\n  - id: a\n    task: x\n    depends_on: [b]\n')
    const { code, stderr } = await deed('apply', '-f', at('bad.yaml'))
    expect(code).toBe(2)
    expect(stderr).toContain('line 5: ')
  })
})

describe('a graph of hundreds', () => {
  it('is shown in part with how much is left out, and whole where that is asked for', async () => {
    const count = 320
    const names = Array.from({ length: count }, (_, index) => `many-${index}`)
    for (const name of names) writeFileSync(at(name), name)
    const tasks = names.map(
      (name) => `  - { id: ${name}, action: { kind: file.move, input: { from: ${name}, to: ${name}-moved } } }`,
    )
    writeFileSync(at('many.yaml'), ['name: many', 'tasks:', ...tasks].join('\n'))
    const waits = JSON.parse((await deed('apply', '-f', at('many.yaml'), '--background', '--json')).stdout)
    const id: string = waits.execution_id
    const pending = async () =>
      JSON.parse((await deed('get', 'approvals', '--execution', id, '--json')).stdout).approvals[0]
    await expect.poll(pending).toMatchObject({ omitted: { actions: 120 } })
    expect((await pending()).actions).toHaveLength(200)

    expect((await deed('show', id)).stdout).toContain('and 120 more that it covers: deed approve')
    const agreed = await deed('approve', id, '--yes', '--full')
    expect(agreed.stdout).toContain('320 steps')
    for (const name of names) expect(agreed.stdout).toContain(`to: ${name}-moved\n`)
    expect((await deed('watch', id)).code).toBe(0)
    for (const name of names) expect(readFileSync(at(`${name}-moved`), 'utf8')).toBe(name)

    const part = JSON.parse((await deed('show', id, '--json')).stdout)
    expect(part.omitted).toEqual({ tasks: part.omitted.tasks, timeline: part.omitted.timeline })
    expect(part.tasks).toHaveLength(count + 1 - part.omitted.tasks)
    const whole = JSON.parse((await deed('show', id, '--full', '--json')).stdout)
    expect(whole.omitted).toBeUndefined()
    expect(whole.tasks).toHaveLength(count + 1)
    expect(whole.timeline).toHaveLength(part.timeline.length + part.omitted.timeline)
    expect(whole.timeline.map(({ seq }: { seq: number }) => seq)).toEqual(
      whole.timeline.map((_: unknown, at: number) => at + 1),
    )
    expect((await deed('show', id)).stdout).toContain(`and ${part.omitted.tasks} more tasks: deed show ${id} --full`)
    const graph = (await deed('show', id, '--full', '--mermaid')).stdout
    expect(graph.split('\n').filter((line) => line.includes(' --> '))).toHaveLength(count)
  })
})
