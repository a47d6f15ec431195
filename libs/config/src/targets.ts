/** The targets of `execution.yaml`: services, databases and servers that actions work on. */
import { z } from 'zod'
import { duration } from './duration.ts'

/** Of a target, a workspace, a runbook, a secret. */
export const Name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
export const EnvironmentVariable = z.string().regex(/^[A-Z_][A-Z0-9_]*$/)
/** Part of the risk of actions on a target; `production` is the highest. */
const EnvironmentLabel = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/)
  .describe('Label that the policy reads, such as `production`.')
const SqlName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/)

const Health = z.strictObject({
  url: z.url(),
  status: z.int().min(100).max(599).default(200),
  timeout_ms: z.int().min(1).max(60_000).default(1_000),
})

/** How many tasks may begin on a target per unit of time, over all replicas. */
const RateLimit = z.strictObject({
  per_minute: z.number().positive().max(1_000_000),
  burst: z.int().min(1).max(100_000).default(1).describe('Tasks that may begin at once after a pause.'),
})

/** Of every target. */
const COMMON = {
  environment: EnvironmentLabel.optional(),
  rate_limit: RateLimit.optional().describe('How often tasks may begin on it, over all replicas.'),
}

/** How long a service must run as one process to count as up. A number of seconds, or text such as "500ms". */
const StableFor = duration({ min: 0, max: 300_000, fallback: 1_000 }).describe(
  'How long it must have been up, as one process, to count as up: seconds, or text such as `500ms`. Default: `1s`.',
)
/**
 * How long a service may take to end after SIGTERM before it gets SIGKILL. A number of seconds, or text such as "2m".
 */
const stopTimeout = (fallback: number) =>
  duration({ min: 0, max: 3_600_000, fallback }).describe(
    'Time between SIGTERM and SIGKILL: seconds, or text such as `2m`. Default: `5s`, of docker `10s`.',
  )

/** Not one of these words alone: "restart it" names nothing. */
const NO_ALIAS = /^(the|a|an|it|that|this|all|any|every|everything|both|them|service|services|server|servers)$/i
const Aliases = z
  .array(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}( [A-Za-z0-9][A-Za-z0-9._-]{0,62}){0,3}$/,
        'must be one to four words, such as `the api`',
      )
      .refine((alias) => !NO_ALIAS.test(alias), 'must name one target, and this word can mean any'),
  )
  .max(20)
  .optional()
  .describe('Other names that people use for it, such as `[the api, api]`.')

const ProcessTarget = z.strictObject({
  type: z.literal('process'),
  aliases: Aliases,
  command: z.array(z.string()).min(1).describe('Program and arguments. There is no shell.'),
  cwd: z.string().default('.').describe('Working folder, relative to the folder of this file.'),
  env: z.record(z.string(), z.string()).default({}),
  health: Health.optional(),
  stable_for: StableFor,
  stop_timeout: stopTimeout(5_000),
  ...COMMON,
})

const HttpTarget = z.strictObject({
  type: z.literal('http'),
  aliases: Aliases,
  once: z
    .array(z.string().max(2048).startsWith('/', 'must be a path such as /invitation'))
    .max(1_000)
    .default([])
    .describe('Paths that are requested only once, such as one-time links. No second request confirms the answer.'),
  url: z.url().optional(),
  url_env: EnvironmentVariable.optional().describe(
    'The environment variable that holds the URL, where the URL is a secret or differs by machine.',
  ),
  ...COMMON,
})

/** A noun that people use for the rows of a table. */
const Entity = z.strictObject({
  table: SqlName,
  label_column: SqlName.optional().describe('Column that rows are counted by.'),
  name_column: SqlName.optional().describe('Column that identifies one row.'),
  singular: z.string().optional(),
})

const SqlTarget = z.strictObject({
  type: z.literal('sql'),
  aliases: Aliases,
  url_env: EnvironmentVariable.describe(
    'The environment variable that holds the connection string: it is a secret, so it is not written here.',
  ),
  ...COMMON,
  entities: z.record(z.string(), Entity).default({}),
})

/** A NATS server other than the mesh's own. */
const NatsTarget = z.strictObject({
  type: z.literal('nats'),
  aliases: Aliases,
  url_env: EnvironmentVariable.describe(
    'The environment variable that holds the URL, with user and password where it wants them.',
  ),
  reads: z
    .array(z.string().min(1).max(256))
    .max(1_000)
    .default([])
    .describe('Subjects whose requests change nothing, so that they need no `verify`.'),
  ...COMMON,
})

const SystemdTarget = z.strictObject({
  type: z.literal('systemd'),
  aliases: Aliases,
  unit: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,254}$/),
  stable_for: StableFor,
  ...COMMON,
})

const DockerTarget = z.strictObject({
  type: z.literal('docker'),
  aliases: Aliases,
  container: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)
    .describe('Name or id. DOCKER_HOST of the executor says where the daemon is.'),
  image: z
    .string()
    .max(512)
    .regex(/^[a-z0-9][A-Za-z0-9._/:@-]*$/, 'must be the name of an image')
    .optional()
    .describe('Image that it must have: a name, or a name with a digest. Default: any.'),
  stable_for: StableFor,
  stop_timeout: stopTimeout(10_000),
  ...COMMON,
})

const KubernetesName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)

const KubernetesTarget = z.strictObject({
  type: z.literal('kubernetes'),
  aliases: Aliases,
  context: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,252}$/)
    .optional()
    .describe("Context of the kubeconfig in the executor's environment. Default: the current one."),
  namespace: KubernetesName.default('default'),
  deployment: KubernetesName,
  stable_for: StableFor,
  ...COMMON,
})

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
const ToolName = z.string().regex(/^[A-Za-z0-9_./-]{1,128}$/)

/** A tool of an MCP server that actions may call. */
const McpTool = z.strictObject({
  effect: z.enum(['read', 'change']).default('change').describe('`read`: it changes nothing.'),
  repeatable: z
    .boolean()
    .default(true)
    .describe('For a tool that reads: whether it may be called again, to compare the answers.'),
  undo: z
    .strictObject({
      tool: ToolName,
      arguments: z
        .record(
          z.string(),
          z.string().regex(/^(arguments|result)(\.[^.\s]+)+$/, 'must be a path such as arguments.name or result.id'),
        )
        .default({})
        .describe(
          'Each argument, and where its value comes from: `arguments.<path>` of the call or `result.<path>` of its answer.',
        ),
    })
    .optional()
    .describe('Tool that undoes the call. Without one the call cannot be undone.'),
})

/** An MCP server: a program that is started for each call, or a URL (Streamable HTTP). */
export const McpTarget = z.strictObject({
  type: z.literal('mcp'),
  aliases: Aliases,
  command: z.array(z.string()).min(1).optional().describe('Program and arguments. There is no shell.'),
  cwd: z
    .string()
    .default('.')
    .describe('The only folder that the program may write to; relative to the folder of this file.'),
  reads: z.array(z.string()).default([]).describe('More folders that the program may read, such as its packages.'),
  env: z.record(EnvironmentVariable, z.string()).default({}),
  secrets: z.array(Name).default([]).describe('Names of `secrets` that the program gets in its environment.'),
  allow_hosts: z
    .array(z.string())
    .default([])
    .describe('Hosts, or targets of type http, that the program reaches through a proxy. It reaches nothing else.'),
  files_sha256: z
    .record(z.string(), Sha256)
    .default({})
    .describe('Files below `cwd` and their hashes. A program whose files differ is not started.'),
  url: z.url({ protocol: /^https?$/ }).optional(),
  url_env: EnvironmentVariable.optional(),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string())
    .default({})
    .describe('A value may hold `{{secret.<name>}}`.'),
  tools_sha256: Sha256.optional().describe(
    'Hash of the list of tools as it was reviewed. If the server has another list, no tool is called.',
  ),
  tools: z.record(ToolName, McpTool).default({}).describe('Tools that may be called. Any other tool may not.'),
  ...COMMON,
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

/** Names that differ in case, in separators or in an article alone are equal in a sentence. */
export function collidingAliases(targets: Readonly<Record<string, Target>>): string[] {
  const keyOf = (name: string): string =>
    name
      .toLowerCase()
      .replace(/^(the|an?) /, '')
      .replaceAll(/[\s._-]+/g, '')
  const owners = new Map(Object.keys(targets).map((name) => [keyOf(name), { owner: name, what: 'the name' }]))
  return Object.entries(targets).flatMap(([name, { aliases = [] }]) =>
    aliases.flatMap((alias) => {
      const other = owners.get(keyOf(alias))
      if (!other) owners.set(keyOf(alias), { owner: name, what: 'an alias' })
      if (!other || other.owner === name) return []
      return [
        `targets.${name}.aliases: ${JSON.stringify(alias)} is ${other.what} of targets.${other.owner}; remove one of the two`,
      ]
    }),
  )
}

/** What an MCP target says of its tools and cannot mean. @param name of the target */
export function contradictionsOfTools(name: string, { tools }: z.output<typeof McpTarget>): string[] {
  return Object.entries(tools)
    .filter(([, { effect, undo }]) => effect === 'read' && undo)
    .map(([tool]) => `targets.${name}.tools.${tool}: a read-only tool has nothing to undo; remove undo`)
}
