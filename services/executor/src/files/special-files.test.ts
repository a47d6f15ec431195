// What looks like a file and is none: a socket, a FIFO, a device. No kind of action reads from it, writes to it, takes
// it away, or waits for it.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'

const NO_DEVICE = cannotMakeDevices()
const whyNoDevice = NO_DEVICE === undefined ? '' : ` (not tried here: ${NO_DEVICE})`

function make(program: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr).trim()
}

/** Made to be seen: root may be kept from it too, in a container. */
function cannotMakeDevices(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'deed-device-'))
  try {
    return make('mknod', join(folder, 'null'), 'c', '1', '3')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const CONTENT = 'evil\n'
const ACTIONS: [string, (path: string) => { kind: string; input: Record<string, string> }][] = [
  ['written', (path) => ({ kind: 'file.write', input: { path, content: CONTENT } })],
  ['patched', (path) => ({ kind: 'file.patch', input: { path, diff: '@@ -1 +1 @@\n-old\n+evil\n' } })],
  ['edited', (path) => ({ kind: 'file.edit', input: { path, find: 'old', replace: 'evil' } })],
  ['appended to', (path) => ({ kind: 'file.append', input: { path, text: 'evil' } })],
  ['read', (path) => ({ kind: 'file.read', input: { path } })],
  ['deleted', (path) => ({ kind: 'file.delete', input: { path } })],
  ['moved', (path) => ({ kind: 'file.move', input: { from: path, to: 'elsewhere' } })],
  ['copied', (path) => ({ kind: 'file.copy', input: { from: path, to: 'elsewhere' } })],
  ['replaced by a move', (path) => ({ kind: 'file.move', input: { from: 'regular', to: path } })],
]

let executor: TestExecutor
let server: Server
const heard: unknown[] = []

beforeAll(async () => {
  executor = await testExecutor()
  const at = (name: string) => join(executor.root, name)
  executor.write('regular', CONTENT)
  server = createServer((socket) => {
    heard.push(socket)
    socket.destroy()
  }).listen(at('socket'))
  await once(server, 'listening')
  expect(make('mkfifo', at('fifo'))).toBeUndefined()
  if (NO_DEVICE !== undefined) return
  expect(make('mknod', at('character'), 'c', '1', '3')).toBeUndefined()
  // The first loop device where there is one; where there is none, nobody is behind it.
  expect(make('mknod', at('block'), 'b', '7', '0')).toBeUndefined()
})
afterAll(async () => {
  server.close()
  await executor[Symbol.asyncDispose]()
})

/** What is at the path, and when it last was changed in any way. */
function targetState(name: string): unknown {
  const { ino, mode, rdev, ctimeNs, mtimeNs } = lstatSync(join(executor.root, name), { bigint: true })
  return { ino, mode, rdev, ctimeNs, mtimeNs }
}

async function expectRefused(name: string, action: (path: string) => { kind: string; input: Record<string, string> }) {
  const before = targetState(name)
  const { outcome, effect, error } = await executor.run(action(name))
  expect({ outcome, effect, code: error?.code }).toEqual({
    outcome: 'failed',
    effect: 'none',
    code: 'not_a_regular_file',
  })
  expect(targetState(name)).toEqual(before)
  expect(executor.read('regular')).toBe(CONTENT)
}

async function expectUnseen(path: string): Promise<void> {
  const verify = { kind: 'file', path, exists: true } as const
  const seen = await executor.run({ kind: 'wait.until', input: { observation: verify, within_ms: 1 } })
  expect(seen).toMatchObject({ outcome: 'failed', error: { code: 'unverified' } })
}

describe.each(['socket', 'fifo'])('a %s', (name) => {
  it.each(ACTIONS)('is not %s', (_, action) => expectRefused(name, action))

  it('is not seen as a file, and nobody waits for it', () => expectUnseen(name))
})

describe.skipIf(NO_DEVICE).each(['character', 'block'])(`a %s device${whyNoDevice}`, (name) => {
  it.each(ACTIONS)('is not %s', (_, action) => expectRefused(name, action))

  it('is not seen as a file, and nobody waits for it', () => expectUnseen(name))
})

it('nobody has connected to the socket', () => {
  expect(heard).toEqual([])
})
