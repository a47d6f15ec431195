/** The real parts that the demo works on: a folder with files, programs that can be run, and ports for them. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { keep, openDataFolder, readJson } from '@deed/local/data-folder'
import { storedPort } from '@deed/local/kept-port'
import { DEMO_DIR, type DemoPlan } from './demo-plan.ts'
import { type DemoService, stopService } from './demo-service.ts'

const PROGRAM = 'demo-service.mjs'
const RECORD = 'demo'
const PLACEHOLDER = /\{\{(port:)?([a-z0-9-]+)\}\}/g

export interface DemoWorld extends AsyncDisposable {
  readonly configFile: string
  readonly config: ExecutionConfig
  /** Absolute. */
  readonly workspace: string
  readonly services: ReadonlyMap<string, DemoService>
}

/** What a demo that was killed leaves behind is found by this. */
interface Left {
  folder: string
  services: DemoService[]
}

/**
 * Sets everything up in a temporary folder, after clearing away what an earlier demo could not. Disposing ends the
 * services, which outlive the mesh by design, and removes the folder.
 */
export async function openDemoWorld(dataDir: string, plan: DemoPlan): Promise<DemoWorld> {
  openDataFolder(dataDir)
  const left = readJson<Left>(join(dataDir, `${RECORD}.json`))
  if (left) await clear(left)
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'deed-demo-'))
  const configFile = join(folder, 'execution.yaml')
  const instance = randomBytes(12).toString('hex')
  writeFileSync(configFile, await filledIn(readFileSync(join(DEMO_DIR, 'execution.yaml'), 'utf8'), dataDir, instance))
  copyFileSync(join(DEMO_DIR, PROGRAM), join(folder, PROGRAM))
  const config = readExecutionConfig(configFile)
  const workspace = Object.values(config.workspaces)[0]?.root
  if (workspace === undefined) throw new Error(`${DEMO_DIR}/execution.yaml names no workspace`)
  mkdirSync(workspace)
  for (const [path, { content, mode }] of Object.entries(plan.files)) {
    const file = join(workspace, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    chmodSync(file, Number.parseInt(mode, 8))
  }
  const services = new Map(
    Object.entries(config.targets).flatMap(([name, target]): [string, DemoService][] =>
      target.type === 'process' && target.health ? [[name, { name, url: target.health.url, instance }]] : [],
    ),
  )
  const mine: Left = { folder, services: [...services.values()] }
  keep(dataDir, RECORD, mine)
  return {
    configFile,
    config,
    workspace,
    services,
    async [Symbol.asyncDispose]() {
      await clear(mine)
      rmSync(join(dataDir, `${RECORD}.json`), { force: true })
    },
  }
}

async function clear({ folder, services }: Left): Promise<void> {
  await Promise.all(services.map(stopService))
  rmSync(folder, { recursive: true, force: true })
}

async function filledIn(template: string, dataDir: string, instance: string): Promise<string> {
  const ports = new Map<string, number>()
  const portsDir = join(dataDir, 'demo-ports')
  mkdirSync(portsDir, { recursive: true, mode: 0o700 })
  for (const [, port, name = ''] of template.matchAll(PLACEHOLDER)) {
    if (port !== undefined && !ports.has(name)) ports.set(name, await storedPort(portsDir, name, undefined))
  }
  return template.replace(PLACEHOLDER, (_, port: string | undefined, name: string) =>
    port === undefined ? instance : String(ports.get(name)),
  )
}
