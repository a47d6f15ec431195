/** What `execution.yaml` says about the world and about how Deed runs, as one typed value. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { duration } from './duration.ts'
import { didYouMean, nearest } from './nearest.ts'
import { runbookFaults } from './runbook-faults.ts'

const Name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
const EnvironmentVariable = z.string().regex(/^[A-Z_][A-Z0-9_]*$/)
/** Decides the risk of what is done to a target; `production` is the gravest. */
const EnvironmentLabel = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)
/** Not one that changes how programs load or run, nor what Deed itself connects with. */
const SecretVariable = EnvironmentVariable.regex(
  /^(?!(?:LD_|DYLD_|DEED_|NATS_|DATABASE_|NODE_)|(?:PATH|HOME|LANG|SHELL|IFS|ENV|BASH_ENV|PWD)$)/,
  'must not be a variable that programs or Deed itself go by',
)
const SqlName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/)

const Health = strict({
  url: z.url(),
  status: z.int().min(100).max(599).default(200),
  timeout_ms: z.int().min(1).max(60_000).default(1_000),
})

/** How often tasks may begin on a target, over all replicas. */
const RateLimit = strict({
  per_minute: z.number().positive().max(1_000_000),
  /** How many may begin at once after a pause. */
  burst: z.int().min(1).max(100_000).default(1),
})

const Webhook = strict({
  url: z.url({ protocol: /^https?$/ }).optional(),
  /** The environment variable that holds the URL, where the URL is a secret. */
  url_env: EnvironmentVariable.optional(),
  /** Names of the alerts it is told of; absent: all. */
  names: z.array(z.string()).min(1).optional(),
  /** The environment variable that holds the key of the signatures. */
  secret_env: EnvironmentVariable.optional(),
})

/** How long a service must have stayed up, as one process, to count as up. A number of seconds, or text such as "500ms". */
const StableFor = duration({ min: 0, max: 300_000, fallback: 1_000 })
/** How long a service may take to end after SIGTERM; then it gets SIGKILL. A number of seconds, or text such as "2m". */
const stopTimeout = (fallback: number) => duration({ min: 0, max: 3_600_000, fallback })

const ProcessTarget = strict({
  type: z.literal('process'),
  /** Program and arguments; no shell reads them. */
  command: z.array(z.string()).min(1),
  /** Relative to the folder of the configuration file. */
  cwd: z.string().default('.'),
  env: z.record(z.string(), z.string()).default({}),
  health: Health.optional(),
  stable_for: StableFor,
  stop_timeout: stopTimeout(5_000),
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

const HttpTarget = strict({
  type: z.literal('http'),
  /** Paths that a GET may ask for only once, such as one-time links: no second request confirms the answer. */
  once: z.array(z.string().max(2048).startsWith('/', 'must be a path such as /invitation')).max(1_000).default([]),
  url: z.url().optional(),
  /** The environment variable that holds the URL, where the URL is a secret or differs by machine. */
  url_env: EnvironmentVariable.optional(),
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

/** A noun that people use for the rows of a table. */
const Entity = strict({
  table: SqlName,
  /** What rows are counted by: one row has one label. */
  label_column: SqlName.optional(),
  /** What one row is found by. */
  name_column: SqlName.optional(),
  singular: z.string().optional(),
})

const SqlTarget = strict({
  type: z.literal('sql'),
  /** The environment variable that holds the connection string: it is a secret, so it does not stand here. */
  url_env: EnvironmentVariable,
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
  entities: z.record(z.string(), Entity).default({}),
})

/** A NATS server beside the one that the mesh runs on. */
const NatsTarget = strict({
  type: z.literal('nats'),
  /** The environment variable that holds the URL, with user and password where it wants them. */
  url_env: EnvironmentVariable,
  /** Subjects whose requests change nothing anywhere: they are answered without `verify`. */
  reads: z.array(z.string().min(1).max(256)).max(1_000).default([]),
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

const SystemdTarget = strict({
  type: z.literal('systemd'),
  unit: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,254}$/),
  stable_for: StableFor,
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

const DockerTarget = strict({
  type: z.literal('docker'),
  /** Its name or id. Where the daemon is, the executor's own environment says (DOCKER_HOST). */
  container: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/),
  /** The image that it must be made of: a name, or one with a digest. Absent: any. */
  image: z
    .string()
    .max(512)
    .regex(/^[a-z0-9][A-Za-z0-9._/:@-]*$/, 'must be the name of an image')
    .optional(),
  stable_for: StableFor,
  stop_timeout: stopTimeout(10_000),
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

const KubernetesName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)

const KubernetesTarget = strict({
  type: z.literal('kubernetes'),
  /** Of the kubeconfig that the executor's own environment names; absent: its current one. */
  context: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,252}$/)
    .optional(),
  namespace: KubernetesName.default('default'),
  deployment: KubernetesName,
  stable_for: StableFor,
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
const ToolName = z.string().regex(/^[A-Za-z0-9_./-]{1,128}$/)

/** A tool of an MCP server that actions may call. */
const McpTool = strict({
  /** read: it changes nothing anywhere. */
  effect: z.enum(['read', 'change']).default('change'),
  /** Of one that reads: whether it may be called a second time, to compare the answers. */
  repeatable: z.boolean().default(true),
  /** The tool that takes the effect back. Without one it cannot be undone. */
  undo: strict({
    tool: ToolName,
    /** Each argument, and where its value is found: `arguments.<path>` of the call or `result.<path>` of its answer. */
    arguments: z
      .record(
        z.string(),
        z.string().regex(/^(arguments|result)(\.[^.\s]+)+$/, 'must be a path such as arguments.name or result.id'),
      )
      .default({}),
  }).optional(),
})

/** A server of tools: a program that is started for each call, or one that answers at a URL (Streamable HTTP). */
const McpTarget = strict({
  type: z.literal('mcp'),
  /** Program and arguments; no shell reads them. */
  command: z.array(z.string()).min(1).optional(),
  /** The one folder that the program may write to; relative to the folder of the configuration file. */
  cwd: z.string().default('.'),
  /** Folders that the program may read besides; its packages, for one. */
  reads: z.array(z.string()).default([]),
  env: z.record(EnvironmentVariable, z.string()).default({}),
  /** Names of `secrets` that the program finds in its environment. */
  secrets: z.array(Name).default([]),
  /** Hosts, or targets of type http, that the program reaches through a proxy; it reaches nothing else. */
  allow_hosts: z.array(z.string()).default([]),
  /** Files of the program, below `cwd`, and what they must be: one that is another is not started. */
  files_sha256: z.record(z.string(), Sha256).default({}),
  url: z.url({ protocol: /^https?$/ }).optional(),
  url_env: EnvironmentVariable.optional(),
  /** A value may hold `{{secret.<name>}}`. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string()).default({}),
  /** The list of tools as it was looked through: where the server has another, none is called. */
  tools_sha256: Sha256.optional(),
  /** What may be called; any other tool of the server may not. */
  tools: z.record(ToolName, McpTool).default({}),
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional(),
})

export const Target = z.discriminatedUnion('type', [
  ProcessTarget,
  HttpTarget,
  SqlTarget,
  NatsTarget,
  SystemdTarget,
  DockerTarget,
  KubernetesTarget,
  McpTarget,
])
export type Target = z.output<typeof Target>

/** One action of a runbook, as its kind takes it. */
const RunbookStep = strict({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  title: z.string().min(1).max(512).optional(),
  kind: z.string(),
  input: z.record(z.string(), z.json()).default({}),
  /** What must hold afterwards, beside what the kind itself looks at. */
  verify: z.record(z.string(), z.json()).optional(),
  /** The workspace that its paths start from; absent: the request's. */
  workspace: z.string().optional(),
  /** Absent: the step before. */
  depends_on: z.array(z.string()).optional(),
  timeout_ms: z.int().min(1).max(86_400_000).optional(),
})

/** What is to be done for certain words: steps that an operator has written down. */
const Runbook = strict({
  /** The sentences that mean it; absent: its name. */
  words: z.array(z.string().min(1).max(512)).min(1).optional(),
  /** How long it usually takes: where that is more than 30 s, it runs in the background. */
  expected_seconds: z.number().min(0).max(86_400).default(0),
  steps: z.array(RunbookStep).min(1).max(100),
})
export type Runbook = z.output<typeof Runbook>

const Schema = strict({
  workers: section({
    /** Workers of one executor: each makes one effect at a time. */
    count: z.int().min(1).max(100).default(3),
    /** Tasks that each worker holds: one in its effect, the others being looked at, written down, or next. */
    max_concurrent_tasks: z.int().min(1).max(100).default(10),
  }),
  models: section({
    default_timeout_seconds: z.number().positive().max(3_600).default(120),
    /** Names of local models, the preferred one first; empty: chosen by what was measured. */
    preferred_local: z.array(z.string()).default([]),
    /** Whether an API provider may be paid when no local model answers. */
    fallback_to_api: z.boolean().default(true),
    /** Where Ollama listens; the environment variable OLLAMA_HOST may say it instead. */
    ollama_host: z.string().optional(),
    /** By the model's full name. One that is not named here costs nothing. */
    prices: z
      .record(
        z.string().min(1),
        strict({
          prompt_usd_per_million: z.number().min(0).max(10_000),
          answer_usd_per_million: z.number().min(0).max(10_000),
        }),
      )
      .default({}),
    /** What the models of one tenant may cost in a day (UTC), beside what each request allows; absent: no limit. */
    budget_usd_per_day: z.number().min(0).max(1_000_000).optional(),
  }),
  verification: section({
    enabled: z
      .literal(true, 'must be true: a success without evidence cannot be stored, so verification is never off')
      .default(true),
    /** Looks after the first one. */
    retry_attempts: z.int().min(0).max(20).default(2),
    /** The longest wait between two looks. */
    verify_delay_seconds: z.number().min(0).max(600).default(2),
  }),
  cache: section({
    ttl_seconds: z.number().positive().max(31_536_000).default(60),
    max_size_mb: z.number().positive().max(1_048_576).default(100),
  }),
  rollback: section({
    /** Executions in the quick view; the audit log has all. */
    max_history: z.int().min(1).max(100_000).default(100),
    auto_rollback_on_failure: z.boolean().default(true),
    /** What is larger is not kept before it is changed: that cannot be undone then, which is said before it starts. */
    snapshot_max_mb: z.number().positive().max(65_536).default(64),
    snapshot_max_files: z.int().min(1).max(1_000_000).default(10_000),
  }),
  observability: section({
    /** Where traces are exported at all: every execution, or one in a hundred. */
    trace_all_executions: z.boolean().default(true),
    /** File that execution records are appended to, a JSON object a line. */
    export_to_file: z.string().optional(),
    /** Where Prometheus is answered, usually 9090; the environment variable METRICS_PORT may say it instead. Absent: nowhere. */
    metrics_port: z.int().min(1).max(65_535).optional(),
    /** On which address of this machine; anybody who reaches it can read the figures. METRICS_HOST may say it instead. */
    metrics_host: z.union([z.ipv4(), z.ipv6(), z.literal('localhost')]).default('127.0.0.1'),
  }),
  alerts: section({
    /** Who is told of alerts besides the log and `alerts.*`. What is named here is called, private addresses too. */
    webhooks: z.array(Webhook).max(20).default([]),
  }),
  limits: section({
    /** Requests that one identity may make in a second, at one replica; twice as many at once after a pause. */
    requests_per_second: z.int().min(1).max(1_000_000).default(2_000),
    /** Executions of one tenant that may wait for room at one replica; more are refused until some have begun. */
    waiting: z.int().min(1).max(1_000_000).default(20_000),
  }),
  retention: section({
    /** What executions looked like, their tasks and results; afterwards a key still finds how they ended. */
    executions_days: z.number().min(1).max(36_500).default(30),
    /** Of each tenant so many that ended, the newest; of the others the same is removed, whatever their age. */
    executions_max: z.int().min(1).max(1_000_000_000).default(1_000_000),
    /** How long an execution that changed something can be rolled back: what that takes is kept as long. */
    undo_days: z.number().min(1).max(36_500).default(30),
    /** What models were asked and answered. */
    model_calls_days: z.number().min(1).max(36_500).default(90),
    /** Alerts that were delivered. */
    alerts_days: z.number().min(1).max(36_500).default(30),
  }),
  targets: z.record(Name, Target).default({}),
  workspaces: z
    .record(
      Name,
      strict({
        root: z.string().min(1),
        /** What others write there, such as `*.log`: it voids no approval of a command, and no undo brings it back. */
        ignore: z.array(z.string().min(1).max(256)).max(100).optional(),
      }),
    )
    .default({}),
  /** Where relative paths start when a request names no workspace; the only one, where there is only one. */
  default_workspace: Name.optional(),
  runbooks: z.record(Name, Runbook).default({}),
  /** Kinds of action that other services on the mesh do: a runbook may use them. */
  provided_kinds: z
    .array(z.string().regex(/^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$/, 'must be a kind such as lamp.switch'))
    .default([]),
  /**
   * Values that actions may use by name. They stand in environment variables of the executor, never here. An action that
   * uses one that is not for its target and its kind needs an agreement of level 2 or more.
   */
  secrets: z
    .record(
      Name,
      strict({
        env: SecretVariable,
        /** The targets that it is for. */
        targets: z.array(Name).min(1).optional(),
        /** The kinds of action that it is for, as `command.run`; with `targets`, both must fit. */
        kinds: z.array(z.string().min(1).max(128)).min(1).optional(),
      }),
    )
    .default({}),
  commands: section({
    /**
     * auto: the strongest sandbox that holds on this host. bwrap, unshare, landlock: this one, or the executor does not
     * start. allow-list: no sandbox, only the programs of `allow`. none: any program, unconfined, and each record says so.
     */
    sandbox: z.enum(['auto', 'bwrap', 'unshare', 'landlock', 'allow-list', 'none']).default('auto'),
    /** Programs that `command.run` may start where no sandbox is available. */
    allow: z.array(z.string().regex(/^[A-Za-z0-9._+-]+$/, 'must be the name of a program, without a path')).default([]),
  }),
})
export type ExecutionConfig = z.output<typeof Schema>

/** What the file and the environment may both say; said twice is refused, since one of the two would be ignored. */
const ALSO_IN_ENVIRONMENT = [
  { variable: 'OLLAMA_HOST', section: 'models', key: 'ollama_host' },
  { variable: 'METRICS_PORT', section: 'observability', key: 'metrics_port' },
  { variable: 'METRICS_HOST', section: 'observability', key: 'metrics_host' },
] as const

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads and checks `execution.yaml`. Without a path every key has its default. Relative roots, working folders and
 * files are resolved against the file's folder, so the value has absolute paths only.
 *
 * @throws {ConfigError} that names every unknown, malformed or doubled key by its path
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

/** As `readExecutionConfig`, from the text of the file. */
export function parseExecutionConfig(
  text: string,
  { file = resolve('execution.yaml'), env = {} }: { file?: string; env?: Record<string, string | undefined> } = {},
): ExecutionConfig {
  const { raw, lineOf } = parseYaml(text, file)
  const problems: string[] = []
  if (isObject(raw)) takeFromEnvironment(raw, env, problems)
  const { data, error } = Schema.safeParse(raw)
  const faults = [...(error?.issues ?? []), ...(data ? runbookFaults(data) : [])]
  for (const { path, message } of faults) problems.push(`${issuePath(path)}: ${message}${lineOf(path)}`)
  if (data) problems.push(...contradictions(data))
  if (problems.length > 0 || !data) throw new ConfigError(`${file} is not valid\n  ${problems.join('\n  ')}`)
  return withAbsolutePaths(data, dirname(file))
}

/** The value of the text, and in words the line where a path of it, or what is above it, is written. */
function parseYaml(text: string, file: string): { raw: unknown; lineOf: (path: readonly PropertyKey[]) => string } {
  const lines = new LineCounter()
  // Core schema: no dates, no merge keys, `no` is a string; a key given twice is an error.
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

function contradictions({ targets, workspaces, default_workspace, alerts }: ExecutionConfig): string[] {
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
  if (default_workspace !== undefined && !(default_workspace in workspaces)) {
    const meant = nearest(default_workspace, Object.keys(workspaces))
    found.push(`default_workspace: no workspace ${quoted(default_workspace)}${didYouMean(meant)}`)
  }
  return found
}

function contradictionsOfTools(name: string, { tools }: z.output<typeof McpTarget>): string[] {
  return Object.entries(tools)
    .filter(([, { effect, undo }]) => effect === 'read' && undo)
    .map(([tool]) => `targets.${name}.tools.${tool}: a tool that only reads has nothing to undo`)
}

function withAbsolutePaths(config: ExecutionConfig, folder: string): ExecutionConfig {
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const { workspaces, targets, observability } = config
  const names = Object.keys(workspaces)
  const onlyWorkspace = names.length === 1 ? names[0] : undefined
  const default_workspace = config.default_workspace ?? onlyWorkspace
  return {
    ...config,
    ...(default_workspace === undefined ? {} : { default_workspace }),
    observability:
      observability.export_to_file === undefined
        ? observability
        : { ...observability, export_to_file: absolute(observability.export_to_file) },
    workspaces: mapValues(workspaces, ({ root, ...rest }) => ({ ...rest, root: absolute(root) })),
    targets: mapValues(targets, (target) => {
      if (target.type === 'process') return { ...target, cwd: absolute(target.cwd) }
      if (target.type === 'mcp') return { ...target, cwd: absolute(target.cwd), reads: target.reads.map(absolute) }
      return target
    }),
  }
}

/** An object whose unknown keys are an error that names the nearest known one. */
function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys?.map((key) => `unknown key ${quoted(key)}${didYouMean(nearest(key, known), known)}`).join('; ')
        : undefined,
  })
}

/** A group of keys that may be left out whole; each key has a default of its own. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const group = strict(shape)
  return group.prefault({} as z.input<typeof group>)
}

const quoted = (name: string) => JSON.stringify(name)
const issuePath = (path: readonly PropertyKey[]) => (path.length === 0 ? '$' : path.map(String).join('.'))

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
