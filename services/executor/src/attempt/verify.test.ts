// What an action's `verify` asks for, sent as a task is: composed, and compared with what was there before. CLAIMS says
// how many commands claim a success that is none.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@deed/local/kept-port'
import { temporaryFolder } from '@deed/local/temporary-folder'
import type { Observation } from '@deed/proto/observation'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestMesh, testMesh } from '../../test/test-mesh.ts'

const CLAIMS = Math.min(Number(process.env.CLAIMS ?? 100), 500)
const CLAIM_MS_MAX = 30_000

const opened = new AsyncDisposableStack()
let mesh: TestMesh

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  const port = await freePort()
  writeFileSync(
    join(folder.path, 'server.mjs'),
    `import { createServer } from 'node:http'
     createServer((_, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')`,
  )
  mesh = opened.use(
    await testMesh(`commands: { allow: [node] }
targets:
  api: { type: process, command: [node, server.mjs], cwd: ${JSON.stringify(folder.path)}, env: { PORT: "${port}" },
    environment: test, health: { url: "http://127.0.0.1:${port}/" } }`),
  )
  await mesh.start()
}, 60_000)
afterAll(() => opened.disposeAsync())

/** Runs a script in the workspace; it always says that all went well. */
async function run(script: string, verify: Observation) {
  const argv = ['node', '-e', `const fs = require('node:fs'); ${script}; console.log('all went well')`]
  return mesh.reportOf(await mesh.hand({ kind: 'command.run', input: { argv }, verify }))
}

const file = (path: string, more: object = {}): Observation => ({ kind: 'file', path, exists: true, ...more })
const DONE = { outcome: 'done', evidence: { outcome: 'verified' } }
const FAILED = { outcome: 'failed', evidence: { outcome: 'failed' }, error: { code: 'verification_failed' } }
const UNSEEN = { outcome: 'failed', evidence: { outcome: 'unverified' }, error: { code: 'unverified' } }

describe('an action is done when', () => {
  it('all of what is looked at holds', async () => {
    const verify: Observation = { kind: 'all', of: [file('all-1'), file('all-2')] }
    expect(await run(`fs.writeFileSync('all-1', '')`, verify)).toMatchObject(FAILED)
    expect(await run(`fs.writeFileSync('all-1', ''); fs.writeFileSync('all-2', '')`, verify)).toMatchObject(DONE)
  })

  it('any of it holds, and not when the rest cannot be observed', async () => {
    const unseen: Observation = { kind: 'service', target: 'nobody-knows-it', state: 'running', new_process: false }
    const verify: Observation = { kind: 'any', of: [unseen, file('any-1')] }
    expect(await run('0', verify)).toMatchObject(UNSEEN)
    expect(await run(`fs.writeFileSync('any-1', '')`, verify)).toMatchObject(DONE)
  })

  it('it does not hold what must not; what cannot be observed is no proof of absence', async () => {
    mesh.inside.write('not-1', '')
    const verify: Observation = { kind: 'not', of: [file('not-1')] }
    expect(await run('0', verify)).toMatchObject(FAILED)
    expect(await run(`fs.rmSync('not-1')`, verify)).toMatchObject(DONE)
    const http: Observation = { kind: 'http', url: 'http://169.254.169.254/', status: 200 }
    expect(await run('0', { kind: 'not', of: [http] })).toMatchObject(UNSEEN)
  })

  it('a file has other bytes than before the action', async () => {
    mesh.inside.write('bytes', 'old')
    const verify = file('bytes', { changed: true })
    expect(await run(`fs.writeFileSync('bytes', 'old')`, verify)).toMatchObject({
      ...FAILED,
      evidence: { observed: expect.stringContaining('the same as before') },
    })
    expect(await run(`fs.writeFileSync('bytes', 'new')`, verify)).toMatchObject(DONE)
    expect(await run(`fs.writeFileSync('made', '')`, file('made', { changed: true }))).toMatchObject(DONE)
  })

  it('a file has the bytes that it had before the action', async () => {
    mesh.inside.write('kept', 'old')
    const beside = (name: string): Observation => ({ kind: 'all', of: [file('kept', { changed: false }), file(name)] })
    const both = `fs.writeFileSync('kept', 'new'); fs.writeFileSync('beside-1', '')`
    expect(await run(both, beside('beside-1'))).toMatchObject(FAILED)
    expect(await run(`fs.writeFileSync('beside-2', '')`, beside('beside-2'))).toMatchObject(DONE)
  })

  it('a service is another process than before the action, whatever the action is', async () => {
    const start = { kind: 'service.start', input: { target: 'api' } }
    const started = await mesh.reportOf(await mesh.hand(start))
    expect(started).toMatchObject(DONE)
    const verify: Observation = { kind: 'service', target: 'api', state: 'running', new_process: true }
    expect(await run('0', verify)).toMatchObject({
      ...FAILED,
      evidence: { observed: expect.stringContaining('the same as before') },
    })
    const restart = { kind: 'service.restart', input: { target: 'api' }, verify }
    expect(await mesh.reportOf(await mesh.hand(restart))).toMatchObject(DONE)
  })
})

describe('a command that ends with 0 and says that it has made a file', () => {
  it(
    `and has not is caught, ${CLAIMS} of ${CLAIMS} times`,
    async () => {
      const argv = ['node', '-e', `console.log('made it')`]
      const works = await Promise.all(
        Array.from({ length: CLAIMS }, (_, index) =>
          mesh.hand({ kind: 'command.run', input: { argv }, verify: file(`claimed-${index}`) }),
        ),
      )
      let caught = 0
      for (const work of works) {
        const { outcome, error, evidence } = await mesh.reportOf(work, CLAIMS * CLAIM_MS_MAX)
        if (outcome === 'failed' && error?.code === 'verification_failed' && evidence?.outcome === 'failed') caught++
      }
      expect(caught).toBe(CLAIMS)
    },
    CLAIMS * CLAIM_MS_MAX,
  )
})
