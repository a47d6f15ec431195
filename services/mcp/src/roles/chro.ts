/** The chief of people and agents: how they do, how many are needed, what they may decide. */
import { DECISION_MODES, DECISION_TYPES } from '@deed/proto/decision'
import { requestExecution } from '@deed/proto/execution'
import { listRoles, OrganizationRole } from '@deed/proto/organization'
import { HUMAN_TASK } from '@deed/proto/person'
import { z } from 'zod'
import { worldText } from '../tools/execution-view.ts'
import { countBy, readExecutions, readStats, readWorkers } from './read-facts.ts'
import { Decided, decide, Hours, hoursAgo, Name, roleTool, Text } from './role-tool.ts'

const GAPS_MAX = 20
/** From this part of the slots on, more are wanted. */
const BUSY = 0.8

export const CHRO_TOOLS = [
  roleTool({
    name: 'review_agent_performance',
    title: 'Review what agents did',
    description:
      'By role: executions requested, how many are verified, failures by error, votes. One that did nothing is listed.',
    input: { role: OrganizationRole.optional(), hours: Hours },
    output: {
      agents: z.array(
        z.strictObject({
          role: z.string(),
          executions: z.number(),
          verified: z.number(),
          failures: z.record(z.string(), z.number()),
          votes: z.number(),
          votes_against: z.number(),
          last_seen: z.string().nullable(),
        }),
      ),
    },
    reads: true,
    async run({ role, hours }, work) {
      work.fact('lease_losses', null, 'execution.list does not count them by user')
      const { roles } = await work.ask(listRoles, {})
      const since = hoursAgo(hours)
      const all = await readExecutions(work, { since, ...(role && { user: role }) })
      return {
        agents: roles
          .filter((one) => role === undefined || one.role === role)
          .map((one) => {
            const own = all.filter(({ user }) => user === one.role)
            const failed = own.filter(({ error }) => error !== null)
            return {
              ...{ role: one.role, executions: own.length, verified: own.filter(({ success }) => success).length },
              failures: Object.fromEntries(countBy(failed, ({ error }) => error?.code ?? 'unknown')),
              ...{ votes: one.votes_cast, votes_against: one.votes_against, last_seen: one.last_seen },
            }
          }),
        next: 'change_mandate proposes to change what a role may decide.',
      }
    },
  }),
  roleTool({
    name: 'plan_capacity',
    title: 'Plan capacity',
    description: 'Slots and how many are used now. needed: slots to add so that at most 80 % of them are used.',
    input: { horizon: z.number().min(1).max(2_160).default(24).describe('hours') },
    output: { slots: z.number().nullable(), used: z.number().nullable(), needed: z.number().nullable() },
    reads: true,
    async run({ horizon }, work) {
      const found = await readWorkers(work)
      await readStats(work, hoursAgo(horizon))
      work.fact('queue_wait_p95_ms', null, 'it is a metric for Prometheus alone')
      if (found === undefined) return { slots: null, used: null, needed: null, next: 'Ask again in a moment.' }
      const slots = found.workers.reduce((sum, one) => sum + one.slots, 0)
      const used = found.workers.reduce((sum, one) => sum + one.running, 0)
      const needed = Math.max(0, Math.ceil(used / BUSY) - slots)
      return { slots, used, needed, next: needed > 0 ? 'operations_head: scale executors.' : 'Nothing is needed now.' }
    },
  }),
  roleTool({
    name: 'change_mandate',
    title: 'Propose to change a mandate',
    description: 'Proposes another limit or mode for decisions of a type. A person always decides.',
    input: {
      type: z.enum(DECISION_TYPES),
      amount_max_usd: z.number().min(0).max(1_000_000_000).optional(),
      mode: z.enum(DECISION_MODES).optional(),
      why: Text,
    },
    output: Decided,
    async run({ type, amount_max_usd, mode, why }, work) {
      const change = { ...(amount_max_usd !== undefined && { amount_max_usd }), ...(mode && { mode }) }
      return decide(work, { type: 'mandate', subject: { name: type, details: { change } }, rationale: why })
    },
  }),
  roleTool({
    name: 'onboard_agent',
    title: 'Have an agent added',
    description:
      'Asks a person to add a user of NATS for a program: an execution that ends when the person has done it.',
    input: {
      name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
      capabilities: z.array(Name).max(20),
      subjects: z.array(Name).min(1).max(50),
    },
    output: { execution_id: z.string(), status: z.string() },
    async run({ name, capabilities, subjects }, work) {
      const ask = `Add the NATS user ${name}, who may publish ${subjects.join(', ')}`
      const details = `Capabilities: ${capabilities.join(', ')}`
      const { execution_id, status } = await work.ask(requestExecution, {
        manifest: {
          name: `onboard-${name}`,
          tasks: [{ id: 'add-user', action: { kind: HUMAN_TASK, input: { ask: ask.slice(0, 4_096), details } } }],
        },
        mode: 'background',
      })
      return { execution_id, status, next: 'A person does it; deed://executions/{id} has the state.' }
    },
  }),
  roleTool({
    name: 'find_skill_gaps',
    title: 'Find what the mesh cannot do',
    description: 'Tasks that no rule knew or that failed, by error, with an example of each.',
    input: { hours: Hours },
    output: { gaps: z.array(z.strictObject({ error: z.string(), count: z.number(), untrusted: z.string() })) },
    reads: true,
    async run({ hours }, work) {
      const since = hoursAgo(hours)
      const stats = await readStats(work, since)
      const assisted = stats?.by_method.llm_assisted
      work.fact('llm_assisted', assisted ?? (stats ? 0 : null), `execution.stats since=${since}`)
      const failed = (await readExecutions(work, { since })).filter(({ error }) => error !== null)
      return {
        gaps: countBy(failed, ({ error }) => error?.code ?? 'unknown')
          .slice(0, GAPS_MAX)
          .map(([error, count]) => ({
            ...{ error, count },
            untrusted: worldText(failed.find((one) => one.error?.code === error)?.task ?? ''),
          })),
        next: 'A sentence that no rule knew needs a rule or a clearer sentence.',
      }
    },
  }),
]
