/** What can be seen without a mesh: this program's Node, the files of the mesh, the configuration, the disk. */
import { existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { readExecutionConfig } from '@deed/config/execution-config'
import { requireVariables } from '@deed/config/require-variables'
import { CONNECTION_FILE, runningMesh } from '@deed/local/connection-file'
import type { Check } from '@deed/proto/doctor'
import { CONFIG_FILE } from '../connect/project.ts'
import type { Shell } from '../connect/shell.ts'

const NODE_MIN = [24, 21] as const
const FREE_BYTES_MIN = 512 * 1024 * 1024
/** In the data folder; anyone who reads them may do everything. */
const SECRET_FILES = [
  ...[CONNECTION_FILE, 'roles.json', 'nats/nats.conf', 'nats/passwords.json', 'nats/system-password.json'],
  'postgres/password.json',
]
const OTHERS = 0o077

type Where = Pick<Shell, 'env' | 'dataDir' | 'project'>

export async function checkMachine(shell: Where): Promise<Check[]> {
  const { dataDir } = shell
  return [node(process.versions.node), ...secretFiles(dataDir), await disk(dataDir), configuration(shell)]
}

export function node(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
  const message = `Node ${version}`
  return fits
    ? { name: 'node', status: 'ok', message }
    : { name: 'node', status: 'problem', message, advice: `use Node ${NODE_MIN.join('.')} or newer` }
}

function secretFiles(dataDir: string): Check[] {
  return SECRET_FILES.map((name) => join(dataDir, name))
    .filter((path) => existsSync(path))
    .map((path): Check => {
      const open = (statSync(path).mode & OTHERS) !== 0
      const name = 'secrets'
      if (!open) return { name, status: 'ok', message: `${path} is its owner's alone` }
      return { name, status: 'problem', message: `others may read ${path}`, advice: `chmod 600 ${path}` }
    })
}

async function disk(dataDir: string): Promise<Check> {
  const folder = existsSync(dataDir) ? dataDir : '.'
  const { bavail, bsize } = await statfs(folder)
  const message = `${Math.round((bavail * bsize) / 1024 / 1024)} MB are free at ${folder}`
  return bavail * bsize > FREE_BYTES_MIN
    ? { name: 'disk', status: 'ok', message }
    : { name: 'disk', status: 'warning', message, advice: 'free some space' }
}

/** Of the mesh that runs on the data folder; where none runs, as `deed up` would take it. */
function configuration({ env, dataDir, project }: Where): Check {
  const name = 'configuration'
  const mesh = runningMesh(dataDir)
  if (mesh && mesh.config === undefined)
    return { name, status: 'ok', message: `the mesh of ${dataDir} was started without an ${CONFIG_FILE}` }
  const own = join(project, CONFIG_FILE)
  const file = mesh?.config ?? (env.DEED_CONFIG || (existsSync(own) ? own : undefined))
  if (file === undefined)
    return { name, status: 'ok', message: `no ${CONFIG_FILE} in ${project}: every key has its default` }
  try {
    const config = readExecutionConfig(file, env)
    // Those of a running mesh are not in this process's environment; its services say what they lack.
    if (!mesh) requireVariables(config, env)
    return { name, status: 'ok', message: `${file} is valid${mesh ? '; the mesh was started with it' : ''}` }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { name, status: 'problem', message: error.message, advice: `correct ${file}` }
  }
}
