/**
 * What is known of each kind of action without asking anybody: one table, from which the policy's defaults, what a model is
 * shown, the expected times, the exclusive resources and the checks of execution.yaml are derived.
 *
 * The executor has the last word on every input: it has a module for each of these kinds, but for those that `held_by` names.
 */
import { z } from 'zod'
import type { EffectClass } from './action.ts'
import type { JsonObject } from './json.ts'
import type { KindFacts, PolicyFacts } from './kind-facts.ts'
import { Content, FILE_KINDS, Path } from './kinds-of-files.ts'
import type { Observation } from './observation.ts'

/** Of a kind that somebody else provides, in milliseconds. */
export const EXPECTED_MS_OF_OTHERS = 2_000

/** @returns undefined for a kind that Deed has not of its own */
export const factsOf = (kind: string): KindFacts | undefined => (Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined)

/** What an action does, by its kind and input alone: some kinds only read with some of their inputs. */
export function effectWith({ effect, reads_with }: PolicyFacts, { method }: JsonObject): EffectClass {
  const used = typeof method === 'string' ? method.toUpperCase() : 'GET'
  return reads_with?.includes(used) ? 'read' : effect
}

/** Whether doing it may change something; a kind that nobody knows may. */
export function mayChange(kind: string, input: JsonObject): boolean {
  const facts = factsOf(kind)
  return facts === undefined || effectWith(facts, input) !== 'read'
}

/** The types of target that a model may name for a kind; undefined where its input names none. */
export function plannedTargets({ input, targets }: KindFacts): readonly string[] | undefined {
  return input && 'target' in input.shape ? targets : undefined
}

const ServiceName = z.string().min(1).max(64).describe('name of a target that is a service')
const Params = z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).max(100)
const Proof = z
  .strictObject({
    query: z.string().min(1).max(20_000),
    params: Params.optional(),
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
    rows_min: z.int().min(0).optional(),
  })
  .describe('one SELECT; equals is the first column of its first row')
const Service = z.strictObject({ target: ServiceName })
/** What is known of a host. */
export const HostFact = z.enum(['memory', 'load', 'uptime', 'disk', 'processes', 'ports'])
const SERVICE = ['process', 'systemd', 'docker', 'kubernetes']
const CHANGES_SERVICE = {
  effect: 'change',
  touches: { names: ['target'] },
  targets: SERVICE,
  exclusive: 'target',
  expected_ms: 2_000,
  input: Service,
} as const
const CHANGES_DEPLOYMENT = {
  effect: 'change',
  touches: { names: ['target'] },
  targets: ['kubernetes'],
  expected_ms: 60_000,
} as const

export const KINDS: Readonly<Record<string, KindFacts>> = {
  ...FILE_KINDS,
  'command.run': {
    about: 'Run one program with arguments, without a shell. Name the files that must exist afterwards.',
    effect: 'run',
    level: { level: 2, why: 'a command may do anything that its sandbox lets it' },
    in_workspace: true,
    exclusive: 'workspace',
    expected_ms: 2_000,
    input: z.strictObject({
      argv: z.array(z.string().max(4096)).min(1).max(100),
      expect_files: z.array(Path).max(20).optional(),
    }),
    planned: ({ argv = [], expect_files }) => {
      const exit: Observation = { kind: 'exit_code', equals: 0 }
      const files = Array.isArray(expect_files) ? expect_files.map(String) : []
      const seen = files.map((path): Observation => ({ kind: 'file', path, exists: true }))
      return { input: { argv }, verify: seen.length === 0 ? exit : { kind: 'all', of: [exit, ...seen] } }
    },
  },
  'test.run': {
    about: "Run the project's own tests with one program and its arguments.",
    effect: 'run',
    level: { level: 2, why: 'a command may do anything that its sandbox lets it' },
    in_workspace: true,
    exclusive: 'workspace',
    expected_ms: 2_000,
    words: /test|spec/i,
    input: z.strictObject({ argv: z.array(z.string().max(4096)).min(1).max(100) }),
  },
  'git.branch': {
    about: 'Create a branch in a git repository; switch checks it out if it points at HEAD.',
    effect: 'change',
    in_workspace: true,
    expected_ms: 200,
    words: /git|branch|repo/i,
    input: z.strictObject({
      repository: Path.optional(),
      name: z.string().min(1).max(200),
      from: z.string().min(1).max(200).optional(),
      switch: z.boolean().optional(),
    }),
  },
  'git.commit': {
    about: 'Commit the named paths of a git repository.',
    effect: 'change',
    in_workspace: true,
    expected_ms: 200,
    words: /git|commit|repo/i,
    input: z.strictObject({
      repository: Path.optional(),
      message: z.string().min(1).max(10_000),
      paths: z.array(Path).min(1).max(100),
    }),
  },
  'git.apply': {
    about: 'Apply a patch of several files to a git repository, without renames.',
    effect: 'change',
    in_workspace: true,
    expected_ms: 200,
    words: /git|patch|diff|repo/i,
    input: z.strictObject({ repository: Path.optional(), patch: Content.min(1) }),
  },
  'git.revert': {
    about: 'Take back what one commit changed, by a new commit.',
    effect: 'change',
    in_workspace: true,
    expected_ms: 300,
    words: /git|commit|revert|repo/i,
    input: z.strictObject({ repository: Path.optional(), commit: z.string().min(1).max(200).optional() }),
  },
  'git.status': {
    about: 'Say on which branch a git repository is, and what has changed since the commit.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 200,
    words: /git|commit|branch|chang|repo/i,
    input: z.strictObject({ repository: Path.optional() }),
  },
  'git.log': {
    about: 'List the newest commits of a git repository, or those that changed one path.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 200,
    words: /git|commit|histor|repo/i,
    input: z.strictObject({
      repository: Path.optional(),
      from: z.string().min(1).max(200).optional(),
      path: Path.optional(),
      max: z.int().min(1).max(200).optional(),
    }),
  },
  'git.diff': {
    about: 'Show what differs between a commit and the files, or between two commits.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 200,
    words: /git|commit|chang|diff|repo/i,
    input: z.strictObject({
      repository: Path.optional(),
      from: z.string().min(1).max(200).optional(),
      to: z.string().min(1).max(200).optional(),
      path: Path.optional(),
    }),
  },
  'wait.until': {
    about: 'Wait until something holds.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 2_000,
  },
  'human.task': {
    about: 'Ask a person to do what no other kind can do, or to give information that only a person has.',
    effect: 'read',
    held_by: 'person',
    expected_ms: 0,
    input: z.strictObject({ ask: z.string().min(1).max(4_096), details: z.string().max(65_536).optional() }),
  },
  'decision.propose': {
    about: 'Propose a decision as a role of the organization, and wait until it is decided.',
    effect: 'create',
    held_by: 'organization',
    touches: { names: [] },
    level: { level: 2, why: 'speaks for a role of the organization' },
    expected_ms: 0,
    // Planned by manifests alone: a model does not speak for a role.
  },
  'nats.request': {
    about: 'Send a request to a service on a NATS server.',
    effect: 'run',
    reversibility: 'irreversible',
    targets: ['nats'],
    expected_ms: 200,
  },
  'mcp.call': {
    about: 'Call a tool of an MCP server.',
    effect: 'change',
    sealed: true,
    targets: ['mcp'],
    expected_ms: 2_000,
    // Planned by rules alone: the descriptions of a server's tools are untrusted, so no model sees them.
  },
  'nats.publish': {
    about: 'Publish a message to a stream of a NATS server.',
    effect: 'create',
    reversibility: 'irreversible',
    touches: { names: ['target', 'subject'] },
    targets: ['nats'],
    expected_ms: 200,
    input: z.strictObject({
      target: z.string().min(1).max(64).describe('name of a target of type nats'),
      subject: z.string().min(1).max(256),
      payload: Content,
      stream: z.string().min(1).max(64),
    }),
  },
  'service.start': {
    about: 'Start a service.',
    ...CHANGES_SERVICE,
  },
  'service.stop': {
    about: 'Stop a service.',
    ...CHANGES_SERVICE,
  },
  'service.restart': {
    about: 'Restart a service: a new process, and healthy.',
    ...CHANGES_SERVICE,
  },
  'service.status': {
    about: 'Check whether a service is running.',
    effect: 'read',
    targets: SERVICE,
    expected_ms: 2_000,
    input: Service,
  },
  'service.logs': {
    about: 'Read the last lines that a service has logged, or those since a while, as in 10m.',
    effect: 'read',
    targets: SERVICE,
    expected_ms: 2_000,
    input: z.strictObject({
      target: ServiceName,
      lines: z.int().min(1).max(1_000).optional(),
      since: z.string().min(2).max(10).optional(),
    }),
  },
  'host.facts': {
    about:
      'Read memory, load, uptime, disks, the busiest processes or the listening ports of the host that Deed runs on.',
    effect: 'read',
    expected_ms: 300,
    words: /host|machine|server|computer|memory|ram|load|cpu|process|uptime|disk|port|listen/i,
    input: z.strictObject({ facts: z.array(HostFact).min(1).max(6), port: z.int().min(1).max(65_535).optional() }),
  },
  'kubernetes.scale': {
    about: 'Set how many replicas a deployment has.',
    ...CHANGES_DEPLOYMENT,
    input: z.strictObject({ target: ServiceName, replicas: z.int().min(0).max(1_000) }),
  },
  'kubernetes.rollout': {
    about: 'Roll a new image out to a deployment, or recreate its pods.',
    ...CHANGES_DEPLOYMENT,
    release: 'image',
    input: z.strictObject({
      target: ServiceName,
      image: z.string().min(1).max(512).optional(),
      container: z.string().min(1).max(63).optional(),
    }),
  },
  'sql.query': {
    about: 'Read from a database with one SELECT; values go into params as $1, $2.',
    effect: 'read',
    cacheable: true,
    targets: ['sql'],
    expected_ms: 100,
    input: z.strictObject({
      target: z.string().min(1).max(64).describe('name of a target of type sql'),
      query: z.string().min(1).max(20_000),
      params: Params.optional(),
    }),
  },
  'entity.find': {
    about: 'Answer a question over the rows of an entity, asked in words.',
    effect: 'read',
    cacheable: true,
    targets: ['sql'],
    expected_ms: 100,
    // Planned by rules alone: a model writes the SELECT itself, with sql.query.
  },
  'sql.execute': {
    about: 'Change a database with one statement; verify says what a SELECT returns afterwards, undo reverses it.',
    effect: 'change',
    touches: { names: ['target'] },
    level: { level: 2, why: 'changes the data of a database' },
    targets: ['sql'],
    expected_ms: 100,
    input: z.strictObject({
      target: z.string().min(1).max(64).describe('name of a target of type sql'),
      statement: z.string().min(1).max(20_000),
      params: Params.optional(),
      verify: Proof,
      undo: z
        .strictObject({ statement: z.string().min(1).max(20_000), params: Params.optional(), verify: Proof })
        .optional(),
    }),
  },
  'http.request': {
    about: 'Read a page with GET.',
    effect: 'change',
    reads_with: ['GET', 'HEAD'],
    touches: { names: ['target', 'url'] },
    targets: ['http', 'process'],
    expected_ms: 500,
    input: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2048) }),
    planned: ({ url = '' }) => ({ input: { method: 'GET', url } }),
  },
  'http.check': {
    about:
      'Check whether an address answers: its status, the time it takes, and the days that its certificate has left.',
    effect: 'read',
    targets: ['http', 'process'],
    expected_ms: 500,
    input: z.strictObject({
      url: z.url({ protocol: /^https?$/ }).max(2048),
      status: z.int().min(100).max(599).optional(),
    }),
  },
}
