/** `execution.yaml` as one typed value: the targets that Deed works on, and how Deed runs. */

import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { defined } from '@deed/proto/json'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { OwnRule, ruleFaults, Webhook } from './alert-rule.ts'
import { ConfigError } from './config-error.ts'
import { ConsoleSettings, consoleFaults, withAbsoluteSecret } from './console-settings.ts'
import { IN_SENTENCES, yamlPath } from './fault-sentence.ts'
import { McpSettings, mcpFaults } from './mcp-settings.ts'
import { ModelSettings } from './model-settings.ts'
import { didYouMean, nearest } from './nearest.ts'
import { runbookFaults } from './runbook-faults.ts'
import { collidingAliases, contradictionsOfTools, EnvironmentVariable, Name, Target } from './targets.ts'

/** Excludes variables that change how programs load or run, and Deed's own connection settings. */
const SecretVariable = EnvironmentVariable.regex(
  /^(?!(?:LD_|DYLD_|DEED_|NATS_|DATABASE_|NODE_)|(?:PATH|HOME|LANG|SHELL|IFS|ENV|BASH_ENV|PWD)$)/,
  'must not be a variable that configures programs or Deed itself',
)

/** One action of a runbook, with the input of its kind. */
const RunbookStep = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  title: z.string().min(1).max(512).optional(),
  kind: z.string(),
  input: z.record(z.string(), z.json()).default({}),
  verify: z
    .record(z.string(), z.json())
    .optional()
    .describe('What must hold afterwards, besides what the kind itself observes.'),
  workspace: z.string().optional().describe('Workspace of its paths. Default: that of the request.'),
  depends_on: z.array(z.string()).optional().describe('Names of steps. Default: the step before.'),
  timeout_ms: z.int().min(1).max(86_400_000).optional(),
})

/** Steps that an operator has written for certain words. */
const Runbook = z.strictObject({
  words: z
    .array(z.string().min(1).max(512))
    .min(1)
    .optional()
    .describe('Sentences that run it. Default: its name, with spaces for dashes.'),
  expected_seconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(0)
    .describe('How long it usually takes. Above 30 it runs in the background.'),
  steps: z.array(RunbookStep).min(1).max(100),
})
export type Runbook = z.output<typeof Runbook>

export const ExecutionConfig = z.strictObject({
  workers: section({
    count: z.int().min(1).max(100).default(3).describe('Workers of one executor: each makes one effect at a time.'),
    max_concurrent_tasks: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe(
        'Tasks that each worker holds: one in its effect, the others being observed, stored, or next. Reads and short changes of files have slots besides.',
      ),
  }),
  models: section(ModelSettings),
  verification: section({
    enabled: z
      .literal(true, 'must be true: a success without evidence cannot be stored, so verification is never off')
      .default(true),
    retry_attempts: z.int().min(0).max(20).default(2).describe('Observations after the first one.'),
    verify_delay_seconds: z.number().min(0).max(600).default(2).describe('Longest wait between two observations.'),
  }),
  cache: section({
    ttl_seconds: z.number().positive().max(31_536_000).default(60),
    max_size_mb: z.number().positive().max(1_048_576).default(100),
  }),
  rollback: section({
    max_history: z
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .describe('Executions in the quick view. The audit log has all.'),
    auto_rollback_on_failure: z.boolean().default(true),
    snapshot_max_mb: z
      .number()
      .positive()
      .max(65_536)
      .default(64)
      .describe('Larger content is not stored before it changes, so the change is irreversible.'),
    snapshot_max_files: z.int().min(1).max(1_000_000).default(10_000),
  }),
  observability: section({
    trace_all_executions: z.boolean().default(true).describe('Whether every execution is traced, or one in a hundred.'),
    export_to_file: z.string().optional().describe('File to append execution records to, one JSON object a line.'),
    export_max_mb: z
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .describe('A file of this size, in MB, is renamed to `<file>.1`, that one to `<file>.2`, and so on.'),
    export_files: z.int().min(1).max(1_000).default(9).describe('How many renamed files are kept.'),
    metrics_port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        'Port of the orchestrator for Prometheus; the other services that `deed up` starts have the next six. 0: any free ports, which are printed. Or the variable METRICS_PORT. Default: none.',
      ),
    metrics_host: z
      .union([z.ipv4(), z.ipv6(), z.literal('localhost')])
      .default('127.0.0.1')
      .describe(
        'Address for Prometheus; or the variable METRICS_HOST. Anyone who can reach it can read the metrics of all tenants.',
      ),
  }),
  alerts: section({
    webhooks: z
      .array(Webhook)
      .max(20)
      .default([])
      .describe('Webhooks for alerts. Each is called as it is written, also at private addresses.'),
    rules: z.array(OwnRule).max(100).default([]),
  }),
  console: section(ConsoleSettings),
  mcp: section(McpSettings),
  limits: section({
    requests_per_second: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(2_000)
      .describe('Requests of one identity in a second, for each replica. Twice as many at once after a pause.'),
    waiting: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20_000)
      .describe('Executions of one tenant that may wait, for each replica. More are refused as `overloaded`.'),
  }),
  retention: section({
    executions_days: z
      .number()
      .min(1)
      .max(36_500)
      .default(30)
      .describe('Tasks and results of executions. Later, a key still finds how they ended.'),
    executions_max: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .default(1_000_000)
      .describe('Ended executions of each tenant that are kept, whatever their age.'),
    executions_max_mb: z
      .number()
      .positive()
      .max(100_000_000)
      .optional()
      .describe(
        'Size of the tasks and results of ended executions of each tenant, in MB; the oldest beyond it are removed. What can still be rolled back is kept. Default: no bound.',
      ),
    undo_days: z.number().min(1).max(36_500).default(30).describe('How long an execution can be rolled back.'),
    model_calls_days: z.number().min(1).max(36_500).default(90).describe('Questions to models, and their answers.'),
    alerts_days: z.number().min(1).max(36_500).default(30).describe('Delivered alerts.'),
  }),
  streams: section({
    replicas: z
      .union([z.literal(1), z.literal(3), z.literal(5)])
      .default(1)
      .describe(
        'Servers of a NATS cluster that keep each stream. With 3, one may fail and nothing that was acknowledged is lost. Streams that are there get as many.',
      ),
  }),
  targets: z.record(Name, Target).default({}),
  workspaces: z
    .record(
      Name,
      z.strictObject({
        root: z.string().min(1),
        ignore: z
          .array(z.string().min(1).max(256))
          .max(100)
          .optional()
          .describe(
            'Files that others write, such as `*.log`. They void no approval of a command, and no undo restores them.',
          ),
      }),
    )
    .default({}),
  default_workspace: Name.optional().describe(
    'Workspace for requests that name none. Default: the only one, if there is only one.',
  ),
  runbooks: z.record(Name, Runbook).default({}),
  workflows: section({
    folder: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Folder of workflows of your own, each in a file `<name>.yaml`. One with the name of a shipped one takes its place.',
      ),
  }),
  provided_kinds: z
    .array(z.string().regex(/^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$/, 'must be a kind such as lamp.switch'))
    .default([])
    .describe('Kinds of action that other programs provide, so that a runbook may name them.'),
  secrets: z
    .record(
      Name,
      z.strictObject({
        env: SecretVariable,
        targets: z.array(Name).min(1).optional().describe('Targets that it is for.'),
        kinds: z
          .array(z.string().min(1).max(128))
          .min(1)
          .optional()
          .describe('Kinds of action that it is for, such as `command.run`. With `targets`, both must match.'),
      }),
    )
    .default({})
    .describe(
      "Values that actions may use by name. They are in variables of the executor's environment, never in this file. An action that uses a secret which is not for its target and its kind needs level 2 or more.",
    ),
  commands: section({
    sandbox: z
      .enum(['auto', 'bwrap', 'unshare', 'landlock', 'allow-list', 'none'])
      .default('auto')
      .describe(
        '`auto`: the strongest sandbox that works on this host. `bwrap`, `unshare`, `landlock`: this one, or the executor does not start. `allow-list`: no sandbox, only the programs of `allow`. `none`: any program, not confined; each record says so.',
      ),
    allow: z
      .array(z.string().regex(/^[A-Za-z0-9._+-]+$/, 'must be the name of a program, without a path'))
      .default([])
      .describe('Programs that `command.run` may start where no sandbox is available.'),
  }),
})
export type ExecutionConfig = z.output<typeof ExecutionConfig>

/** Keys that file and environment may both set; setting both is an error, since one would be ignored. */
const ALSO_IN_ENVIRONMENT = [
  { variable: 'OLLAMA_HOST', section: 'models', key: 'ollama_host' },
  { variable: 'METRICS_PORT', section: 'observability', key: 'metrics_port' },
  { variable: 'METRICS_HOST', section: 'observability', key: 'metrics_host' },
] as const

/**
 * Reads and validates `execution.yaml`. Without a path every key has its default. Relative roots, working folders and
 * files are resolved against the file's folder, so the value has absolute paths only.
 *
 * @throws {ConfigError} that names every unknown, malformed or duplicate key by its path
 */
export function readExecutionConfig(path?: string, env: Record<string, string | undefined> = {}): ExecutionConfig {
  if (path === undefined) return parseExecutionConfig('', { env })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read`, { cause })
  }
  return parseExecutionConfig(text, { file: resolve(path), env })
}

/** Like `readExecutionConfig`, from the text of the file. */
export function parseExecutionConfig(
  text: string,
  { file = resolve('execution.yaml'), env = {} }: { file?: string; env?: Record<string, string | undefined> } = {},
): ExecutionConfig {
  const { raw, lineOf } = parseYaml(text, file)
  const problems: string[] = []
  if (isObject(raw)) takeFromEnvironment(raw, env, problems)
  const { data, error } = ExecutionConfig.safeParse(raw, IN_SENTENCES)
  const faults = [...(error?.issues ?? []), ...(data ? [...runbookFaults(data), ...ruleFaults(data.alerts.rules)] : [])]
  for (const { path, message } of faults) problems.push(`${yamlPath(path)}: ${message}${lineOf(path)}`)
  if (data) problems.push(...contradictions(data))
  if (problems.length > 0 || !data) throw new ConfigError(`${file} is not valid\n  ${problems.join('\n  ')}`)
  return withAbsolutePaths(data, dirname(file))
}

/** The value of the text, and a function that gives the line of a path, or of its nearest existing parent. */
function parseYaml(text: string, file: string): { raw: unknown; lineOf: (path: readonly PropertyKey[]) => string } {
  const lines = new LineCounter()
  // Core schema: no dates, no merge keys, `no` is a string; a duplicate key is an error.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    merge: false,
    lineCounter: lines,
  })
  const fault = document.errors[0] ?? document.warnings[0]
  if (fault) throw new ConfigError(`${file} is not valid\n  ${fault.message}`)
  const lineOf = (path: readonly PropertyKey[]): string => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return ` (line ${lines.linePos(node.range[0]).line})`
    }
    return ''
  }
  try {
    const raw: unknown = document.toJS({ maxAliasCount: 50 }) ?? {}
    return { raw, lineOf }
  } catch (cause) {
    throw new ConfigError(`${file} is not valid\n  ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

function takeFromEnvironment(
  raw: Record<string, unknown>,
  env: Record<string, string | undefined>,
  problems: string[],
): void {
  for (const { variable, section, key } of ALSO_IN_ENVIRONMENT) {
    const value = env[variable]
    if (value === undefined || value === '') continue
    raw[section] ??= {}
    const given = raw[section]
    if (!isObject(given)) continue
    if (key in given) problems.push(`${section}.${key}: is also given by ${variable}; remove one of the two`)
    else given[key] = /^\d+$/.test(value) ? Number(value) : value
  }
}

function contradictions({
  targets,
  workspaces,
  default_workspace,
  alerts,
  console: own,
  mcp,
}: ExecutionConfig): string[] {
  const found: string[] = []
  for (const [index, { url, url_env }] of alerts.webhooks.entries()) {
    if ((url === undefined) === (url_env === undefined))
      found.push(`alerts.webhooks.${index}: give one of url and url_env`)
  }
  for (const [name, target] of Object.entries(targets)) {
    if (target.type !== 'http' && target.type !== 'mcp') continue
    const ways = (['command', 'url', 'url_env'] as const).filter((key) => key in target)
    if (ways.length > 1)
      found.push(
        `targets.${name}: ${ways.join(' and ')} say the same thing; remove ${ways.length === 2 ? 'one of the two' : 'all but one'}`,
      )
    if (ways.length === 0)
      found.push(`targets.${name}: ${target.type === 'mcp' ? 'command, ' : ''}url or url_env is missing`)
    if (target.type === 'mcp') found.push(...contradictionsOfTools(name, target))
  }
  found.push(...collidingAliases(targets))
  found.push(...consoleFaults(own), ...mcpFaults(mcp))
  if (default_workspace !== undefined && !(default_workspace in workspaces)) {
    const meant = nearest(default_workspace, Object.keys(workspaces))
    found.push(`default_workspace: no workspace ${JSON.stringify(default_workspace)}${didYouMean(meant)}`)
  }
  return found
}

function withAbsolutePaths(config: ExecutionConfig, folder: string): ExecutionConfig {
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const { workspaces, targets, observability } = config
  const names = Object.keys(workspaces)
  const onlyWorkspace = names.length === 1 ? names[0] : undefined
  const default_workspace = config.default_workspace ?? onlyWorkspace
  return {
    ...config,
    ...defined({ default_workspace }),
    observability:
      observability.export_to_file === undefined
        ? observability
        : { ...observability, export_to_file: absolute(observability.export_to_file) },
    console: withAbsoluteSecret(config.console, absolute),
    workflows: defined({
      folder: config.workflows.folder === undefined ? undefined : absolute(config.workflows.folder),
    }),
    workspaces: mapValues(workspaces, ({ root, ...rest }) => ({ ...rest, root: absolute(root) })),
    targets: mapValues(targets, (target) => {
      if (target.type === 'process') return { ...target, cwd: absolute(target.cwd) }
      if (target.type === 'mcp') return { ...target, cwd: absolute(target.cwd), reads: target.reads.map(absolute) }
      return target
    }),
  }
}

/** A group of keys that may be omitted; each key has its own default. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const group = z.strictObject(shape)
  return group.prefault({} as z.input<typeof group>)
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
