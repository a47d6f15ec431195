/** The world of the request matrix: services that answer who they are, an inventory, and two runbooks. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { storedPort } from '@deed/local/kept-port'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { configuration, seedInventory } from './inventory.ts'

/** Answers its version and its process id. */
export const server = (version: number): string => `import { createServer } from 'node:http'
createServer((_, response) => response.end(JSON.stringify({ version: ${version}, pid: process.pid })))
  .listen(Number(process.env.PORT), '127.0.0.1')
`

export interface MatrixWorld extends AsyncDisposable {
  readonly under: MeshUnderTest
  /** Of the configuration. */
  readonly folder: string
  /** What a service answers; undefined where it does not run. */
  answers(name: string): Promise<{ version: number; pid: number } | undefined>
}

/** No model: nothing listens where it would be. */
const NO_MODEL = { OLLAMA_HOST: 'http://127.0.0.1:1' }

export async function matrixWorld(): Promise<MatrixWorld> {
  await using opened = new AsyncDisposableStack()
  const ports = opened.use(temporaryFolder()).path
  const url: Record<string, string> = {}
  const answers: MatrixWorld['answers'] = async (name) => {
    try {
      const response = await fetch(url[name]!, { headers: { connection: 'close' } })
      return (await response.json()) as { version: number; pid: number }
    } catch {
      return undefined
    }
  }
  for (const name of ['demo-api', 'test-service', 'application'])
    url[name] = `http://127.0.0.1:${await storedPort(ports, name, undefined)}/`
  // Supervised processes outlive the mesh by design.
  opened.defer(async () => {
    for (const name of Object.keys(url)) {
      const who = await answers(name)
      if (who) process.kill(who.pid, 'SIGKILL')
    }
  })
  const under = opened.use(
    await meshUnderTest({
      config: configuration(url),
      env: NO_MODEL,
      prepare: async (adminUrl) => ({ executor: { INVENTORY_URL: await seedInventory(adminUrl) } }),
    }),
  )
  const folder = dirname(under.workspace)
  for (const sub of ['app', 'release']) mkdirSync(join(under.workspace, sub))
  writeFileSync(join(under.workspace, 'app/server.mjs'), server(1))
  writeFileSync(join(folder, 'server.mjs'), server(1))
  const started = opened.move()
  return { under, folder, answers, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
