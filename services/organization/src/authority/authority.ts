/** The policy of what a role may decide: one file, read when the service starts. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '@deed/config/config-error'
import { DECISION_TYPES, DecisionMode, type DecisionType } from '@deed/proto/decision'
import { Dollars, OrganizationRole } from '@deed/proto/organization'
import { parse } from 'yaml'
import { z } from 'zod'

const Roles = z.array(OrganizationRole).min(1)
const Hours = z.number().min(0.001).max(2_160)

const Rule = z
  .strictObject({
    by: Roles,
    mode: DecisionMode,
    voters: Roles.optional(),
    quorum: z.int().min(1).optional(),
    margin: z.number().min(0).max(1).default(0.2),
    /** How long votes count. */
    hours: Hours.default(24),
    /** Who decides where a caller asks for the mode hierarchical. */
    superior: OrganizationRole.optional(),
    /** Above it a person decides. */
    amount_max_usd: Dollars.optional(),
    require: z.array(z.string()).default([]),
    /** A decision of this type and name that must be approved. */
    needs: z.enum(DECISION_TYPES).optional(),
    person_environments: z.array(z.string()).default([]),
    /** How long a permit lasts. */
    valid_hours: Hours.default(24),
  })
  .superRefine((rule, context) => {
    const { by, mode, voters = [], quorum = voters.length } = rule
    const least = Math.min(...by.map((one) => voters.filter((voter) => voter !== one).length))
    if (mode === 'collaborative' && (least < 1 || quorum > least))
      context.addIssue({
        code: 'custom',
        path: ['quorum'],
        message: `must be within the voters besides the proposer (${least})`,
      })
    if (mode === 'hierarchical' && rule.superior === undefined)
      context.addIssue({ code: 'custom', path: ['superior'], message: 'is missing: the mode is hierarchical' })
  })
export type Rule = z.output<typeof Rule>

const Authority = z.strictObject({
  version: z.string().min(1).max(64),
  total_usd: Dollars,
  person_hours: Hours.default(168),
  // A type that nothing reads is no key here.
  decisions: z.partialRecord(z.enum(DECISION_TYPES), Rule),
})
export type Authority = z.output<typeof Authority>

/** @throws {ConfigError} that names the key */
export function readAuthority(path: string): Authority {
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError(`${path}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  const { data, error } = Authority.safeParse(content)
  if (error) throw new ConfigError(`${path}: ${z.prettifyError(error)}`)
  return data
}

/** What a person changed of a rule. */
export const Mandate = z.strictObject({ amount_max_usd: Dollars.optional(), mode: DecisionMode.optional() })
export type Mandate = z.output<typeof Mandate>

export function ruleFor({ decisions }: Authority, type: DecisionType, mandate: Mandate | undefined): Rule | undefined {
  const rule = decisions[type]
  if (rule === undefined || mandate === undefined) return rule
  // A mode for which the rule lacks voters or a superior is not applied.
  const changed = Rule.safeParse({ ...rule, ...mandate })
  return changed.success ? changed.data : rule
}
