/**
 * The approval level of an action: a pure function of the policy's data and the action's facts. Adding a fact never
 * lowers the level, and the unknown is level 3.
 */
import { readFileSync } from 'node:fs'
import { ConfigError } from '@deed/config/config-error'
import { faultLines, IN_SENTENCES } from '@deed/config/fault-sentence'
import { hashJson } from '@deed/json/canonical-json'
import { EffectClass, type Inspection, type ReadBy, Reversibility } from '@deed/proto/action'
import { PrincipalName } from '@deed/proto/ids'
import { defined, type JsonObject } from '@deed/proto/json'
import type { PolicyFacts } from '@deed/proto/kind-facts'
import { effectWith, factsOf, KINDS } from '@deed/proto/kinds'
import type { Pace } from '@deed/proto/task'
import { parse } from 'yaml'
import { z } from 'zod'

/** Of the hash of the rules. */
const VERSION_CHARS = 8

const Level = z.literal([0, 1, 2, 3])
export type Level = z.output<typeof Level>

const Conditions = {
  kinds: z.array(z.string()).optional(),
  effect: z.array(EffectClass).optional(),
  reversibility: z.array(Reversibility).optional(),
  environment: z.array(z.string()).optional(),
  /** The first layer of the sandbox for programs that the action starts: `bwrap`, `landlock`, `allow-list`, `none`. */
  sandbox: z.array(z.string()).optional(),
  /** Complete command lines: other arguments can make a program do something else. */
  argv: z.array(z.array(z.string()).min(1)).optional(),
  /** A model proposed it after it had read untrusted text. */
  untrusted: z.literal(true).optional(),
  why: z.string(),
}
const LevelRule = z.strictObject({ ...Conditions, level: Level })
const Raise = z.union([LevelRule, z.strictObject({ ...Conditions, by: z.int().min(1).max(3) })])

const Policy = z.strictObject({
  version: z.string(),
  approval_ttl_seconds: z.int().min(1),
  self_approval: z.boolean(),
  /** By the name of the kind; each takes the place of what `KINDS` says. */
  kinds: z.record(
    z.string(),
    z.strictObject({
      effect: EffectClass,
      cacheable: z.boolean().optional(),
      creates: z.literal('absent').optional(),
      sealed: z.boolean().optional(),
      reads_with: z.array(z.string()).optional(),
      reversibility: Reversibility.optional(),
      touches: z
        .strictObject({ paths: z.array(z.string()).optional(), names: z.array(z.string()).optional() })
        .optional(),
      level: z.strictObject({ level: Level, why: z.string() }).optional(),
    }) satisfies z.ZodType<PolicyFacts>,
  ),
  levels: z.array(LevelRule),
  /** Each raises the level to a value, or by an amount. */
  raises: z.array(Raise),
  /** A plan in which an irreversible step does not come after all steps that may fail. */
  irreversible_first: z
    .strictObject({
      /** The effects of steps that may fail. */
      risky: z.array(EffectClass),
      /** raise: the irreversible step needs its own approval. refuse: the plan is refused. */
      answer: z.enum(['raise', 'refuse']),
    })
    .default({ risky: ['create', 'change', 'delete', 'run'], answer: 'raise' }),
  /** Actions that need a decision of the organization to deploy to the environment of their target, besides their level. */
  deployments: z
    .strictObject({ kinds: z.array(z.string()), environments: z.array(z.string()) })
    .default({ kinds: [], environments: [] }),
  /**
   * The highest level that a person may approve; a person who is not listed may approve all. Absent: there is no list.
   */
  approvers: z.record(PrincipalName, Level).default({}),
})
export type Policy = z.output<typeof Policy>

/** @throws as `parsePolicy` */
export const readPolicy = (path: string): Policy => parsePolicy(readFileSync(path, 'utf8'), path)

/**
 * Its version depends on its content, too: a changed rule voids earlier approvals even if the version field was not
 * changed.
 *
 * @param path names it in errors
 * @throws {ConfigError} if the text is not a policy, naming what is wrong with it
 */
export function parsePolicy(text: string, path: string): Policy {
  const { data, error } = Policy.safeParse(parse(text), IN_SENTENCES)
  if (error) throw new ConfigError(`${path} is not a policy\n  ${faultLines(error).join('\n  ')}`)
  const policy = withOwnKinds(data)
  return { ...policy, version: `${data.version}+${hashJson(policy).slice(0, VERSION_CHARS)}` }
}

/** With what is known of Deed's own kinds, and their levels behind the rules that name kinds. */
function withOwnKinds(data: Policy): Policy {
  const own = Object.entries(KINDS).map(([kind, facts]): [string, PolicyFacts] => {
    const { effect, cacheable, creates, sealed, reads_with, reversibility, touches, level } = facts
    return [kind, defined({ effect, cacheable, creates, sealed, reads_with, reversibility, touches, level })]
  })
  const kinds = { ...Object.fromEntries(own), ...data.kinds } as Policy['kinds']
  const levels = Object.entries(kinds).flatMap(([kind, { level }]) => (level ? [{ kinds: [kind], ...level }] : []))
  return {
    ...data,
    kinds,
    levels: data.levels.toSpliced(data.levels.findLastIndex((rule) => rule.kinds) + 1, 0, ...levels),
  }
}

export interface Facts {
  kind: string
  effect: EffectClass | undefined
  reversibility: Inspection['reversibility'] | undefined
  environment: string | undefined
  /** As in `Inspection.sandbox`. */
  sandbox: string | undefined
  /** The command line, if the action says nothing else. */
  argv?: readonly string[] | undefined
  /** Whether a model proposed it after it had read untrusted text. */
  untrusted?: boolean | undefined
  /** How the words were understood, if no rule knows them as they are. */
  reading?: ReadBy | undefined
  /** Names of secrets that it uses without permission. */
  secrets?: readonly string[] | undefined
}

/** Sending a secret somewhere is a decision of its own, whatever else the action does. */
const LEVEL_OF_SECRETS = 2

/** A person must see every change whose words no rule knows as they are. */
const LEVEL_OF_READINGS = 1

const WHY_SEEN: Record<ReadBy, string> = {
  similarity: 'its words are near those of a rule, and only a person knows whether this is what was meant',
  learned: 'its words were learned from earlier tasks, and only a person knows whether this is what was meant',
  choice: 'a person chose what its words mean, and confirms what would run',
  model: 'a model proposed it, and only a person knows whether this is what was meant',
  recalled:
    'it is the plan of an earlier request with similar words, and only a person knows whether this is what was meant',
}

/** The effect of a kind by the policy's data alone, before an inspection. */
export function effectOf(policy: Policy, kind: string, input: JsonObject): EffectClass | undefined {
  const known = policy.kinds[kind]
  return known && effectWith(known, input)
}

/** A read that waits for something may hold a slot for hours. */
export function paceOf(policy: Policy, { kind, input }: { kind: string; input: JsonObject }): Pace {
  if (kind !== 'wait.until' && effectOf(policy, kind, input) === 'read') return 'read'
  return factsOf(kind)?.short ? 'short' : 'long'
}

export function levelOf(policy: Policy, facts: Facts): { level: Level; why: string } {
  if (facts.effect === undefined || !(facts.kind in policy.kinds)) {
    return { level: 3, why: 'the policy has no rule for this kind of action' }
  }
  let { level, why } = policy.levels.find((rule) => fits(rule, facts)) ?? { level: 3, why: 'no rule matches' }
  for (const rule of policy.raises) {
    if (!fits(rule, facts)) continue
    const raised = 'by' in rule ? (Math.min(3, level + rule.by) as Level) : rule.level
    if (raised > level) [level, why] = [raised, rule.why]
  }
  // A reading would provide its own proof: a person confirms that it is what was meant.
  if (facts.reading && facts.effect !== 'read' && level < LEVEL_OF_READINGS) {
    level = LEVEL_OF_READINGS
    why = WHY_SEEN[facts.reading]
  }
  const { secrets = [] } = facts
  if (secrets.length > 0) {
    const said = `uses ${secrets.length === 1 ? 'the secret' : 'the secrets'} ${secrets.join(', ')}, not permitted for this in execution.yaml`
    why = level < LEVEL_OF_SECRETS ? said : `${why}; ${said}`
    level = Math.max(level, LEVEL_OF_SECRETS) as Level
  }
  return { level, why }
}

function fits(rule: z.output<typeof Raise>, facts: Facts): boolean {
  const { kinds, effect, reversibility, environment, sandbox, argv, untrusted } = rule
  return (
    (kinds?.includes(facts.kind) ?? true) &&
    (effect === undefined || (facts.effect !== undefined && effect.includes(facts.effect))) &&
    (reversibility === undefined ||
      (facts.reversibility !== undefined && reversibility.includes(facts.reversibility))) &&
    (environment === undefined || (facts.environment !== undefined && environment.includes(facts.environment))) &&
    (sandbox === undefined || (facts.sandbox !== undefined && sandbox.includes(facts.sandbox.split('+')[0]!))) &&
    (argv?.some((line) => isSame(line, facts.argv ?? [])) ?? true) &&
    (untrusted === undefined || facts.untrusted === true)
  )
}

const isSame = (line: readonly string[], other: readonly string[]): boolean =>
  line.length === other.length && line.every((word, index) => word === other[index])

/** @returns the command line, if an action says nothing else: no environment, no folder, no input, no hosts */
export function argvOf({ argv, ...others }: JsonObject): string[] | undefined {
  const alone = Object.keys(others).length === 0 && Array.isArray(argv)
  return alone && argv.every((word) => typeof word === 'string') ? argv : undefined
}

/** From this level on the approver must be somebody other than the requester, unless policy allows it. */
const LEVEL_OF_TWO = 2

export const maySelfApprove = (policy: Policy, level: number, approver: string, requester: string): boolean =>
  approver !== requester || level < LEVEL_OF_TWO || policy.self_approval

/** The highest level that the user may approve. */
export const levelOfApprover = (policy: Policy, user: string): number => policy.approvers[user] ?? 3

/** Whether every action of a request's plan only reads cacheable data, and names its target. */
export const isCacheable = (
  policy: Policy,
  kinds: readonly { kind: string; input: Record<string, unknown> }[],
): boolean =>
  kinds.length > 0 &&
  kinds.every(
    ({ kind, input }) =>
      policy.kinds[kind]?.cacheable === true &&
      typeof input.target === 'string' &&
      effectOf(policy, kind, input as Parameters<typeof effectOf>[2]) === 'read',
  )
