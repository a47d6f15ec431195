/**
 * The kinds of action that the agent plans with: what each is for, what it takes, and whether it changes anything.
 *
 * The executor has the last word on every input; this table is what a model is shown and held to, and what tells a rule
 * that acts from one that reads.
 */

import type { JsonObject } from '@deed/proto/json'
import type { Observation } from '@deed/proto/observation'
import { Language } from '@deed/proto/template'
import { z } from 'zod'
import type { TargetType } from './rules/vocabulary.ts'

export interface KindEntry {
  readonly about: string
  /** Whether doing it may change something. */
  readonly changes: boolean
  /** Whether its paths are relative to a workspace. */
  readonly inWorkspace: boolean
  /** Of the target that `input.target` names, where it has one. */
  readonly targetType?: TargetType
  /** What a model gives; undefined for kinds that no model plans. */
  readonly input?: z.ZodObject
  /** What a model's input becomes; by default it is the action's. */
  readonly planned?: (input: JsonObject) => { input: JsonObject; verify?: Observation }
}

const Path = z.string().min(1).max(4096).describe('relative to the workspace')
const Content = z.string().max(200_000)
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
const service = z.strictObject({ target: ServiceName })

export const CATALOGUE: Readonly<Record<string, KindEntry>> = {
  'file.write': {
    about: 'Write a whole file; folders above it are made.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ path: Path, content: Content }),
  },
  'file.patch': {
    about: 'Apply a unified diff to one file; every line of context must be as the file has it.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ path: Path, diff: Content.min(1) }),
  },
  'file.move': {
    about: 'Give a file another name or folder.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ from: Path, to: Path, overwrite: z.boolean().optional() }),
  },
  'file.delete': {
    about: 'Delete one file.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ path: Path }),
  },
  'dir.create': {
    about: 'Make a folder.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ path: Path }),
  },
  'code.generate': {
    about: 'Write a source file; it must parse in its language.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ path: Path, language: Language, content: Content }),
  },
  'command.run': {
    about: 'Run one program with arguments, without a shell. Name the files that must exist afterwards.',
    changes: true,
    inWorkspace: true,
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
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ argv: z.array(z.string().max(4096)).min(1).max(100) }),
  },
  'git.branch': {
    about: 'Make a branch in a git repository; switch goes on it where it is at HEAD.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({
      repository: Path.optional(),
      name: z.string().min(1).max(200),
      from: z.string().min(1).max(200).optional(),
      switch: z.boolean().optional(),
    }),
  },
  'git.commit': {
    about: 'Commit the named paths of a git repository.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({
      repository: Path.optional(),
      message: z.string().min(1).max(10_000),
      paths: z.array(Path).min(1).max(100),
    }),
  },
  'git.apply': {
    about: 'Apply a patch of several files to a git repository, without renames.',
    changes: true,
    inWorkspace: true,
    input: z.strictObject({ repository: Path.optional(), patch: Content.min(1) }),
  },
  'wait.until': {
    about: 'Wait until something holds.',
    changes: false,
    inWorkspace: true,
  },
  'human.task': {
    about: 'Ask a person to do what no other kind can, or to give what only a person knows.',
    changes: false,
    inWorkspace: false,
    input: z.strictObject({ ask: z.string().min(1).max(4_096), details: z.string().max(65_536).optional() }),
  },
  'nats.request': {
    about: 'Ask a service on a NATS server.',
    changes: true,
    inWorkspace: false,
    targetType: 'nats',
  },
  // Planned by rules alone: what a server says of its tools is no instruction, so no model is shown it.
  'mcp.call': {
    about: 'Call a tool of an MCP server.',
    changes: true,
    inWorkspace: false,
    targetType: 'mcp',
  },
  'nats.publish': {
    about: 'Publish a message to a stream of a NATS server.',
    changes: true,
    inWorkspace: false,
    targetType: 'nats',
    input: z.strictObject({
      target: z.string().min(1).max(64).describe('name of a target of type nats'),
      subject: z.string().min(1).max(256),
      payload: Content,
      stream: z.string().min(1).max(64),
    }),
  },
  'service.start': {
    about: 'Start a service.',
    changes: true,
    inWorkspace: false,
    targetType: 'service',
    input: service,
  },
  'service.stop': {
    about: 'Stop a service.',
    changes: true,
    inWorkspace: false,
    targetType: 'service',
    input: service,
  },
  'service.restart': {
    about: 'Restart a service: a new process, and healthy.',
    changes: true,
    inWorkspace: false,
    targetType: 'service',
    input: service,
  },
  'service.status': {
    about: 'Look whether a service runs.',
    changes: false,
    inWorkspace: false,
    targetType: 'service',
    input: service,
  },
  'kubernetes.scale': {
    about: 'Set how many replicas a deployment has.',
    changes: true,
    inWorkspace: false,
    targetType: 'kubernetes',
    input: z.strictObject({ target: ServiceName, replicas: z.int().min(0).max(1_000) }),
  },
  'kubernetes.rollout': {
    about: 'Roll a new image out to a deployment, or make its pods anew.',
    changes: true,
    inWorkspace: false,
    targetType: 'kubernetes',
    input: z.strictObject({
      target: ServiceName,
      image: z.string().min(1).max(512).optional(),
      container: z.string().min(1).max(63).optional(),
    }),
  },
  'sql.query': {
    about: 'Read from a database with one SELECT; values go into params as $1, $2.',
    changes: false,
    inWorkspace: false,
    targetType: 'sql',
    input: z.strictObject({
      target: z.string().min(1).max(64).describe('name of a target of type sql'),
      query: z.string().min(1).max(20_000),
      params: Params.optional(),
    }),
  },
  'sql.execute': {
    about: 'Change a database with one statement; verify says what a SELECT gives afterwards, undo takes it back.',
    changes: true,
    inWorkspace: false,
    targetType: 'sql',
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
    changes: false,
    inWorkspace: false,
    input: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2048) }),
    planned: ({ url = '' }) => ({ input: { method: 'GET', url } }),
  },
}
