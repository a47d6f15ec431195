/** The chief executive: money, goals, and what a person must decide. */
import { escalateDecision } from '@deed/proto/decision'
import { listRoles } from '@deed/proto/organization'
import { recall, remember } from '@deed/proto/organization-notes'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import { readAlerts, readMoney, readStats } from './read-facts.ts'
import { Decided, decide, decidedView, hoursAgo, Name, roleTool, Text } from './role-tool.ts'

const Dollars = z.number().min(0).max(1_000_000_000).describe('dollars, whole cents')
const GOAL_TAG = 'company-goal'
/** What a goal can be measured by, and whether more is better. */
const METRICS = { success_rate: true, verification_rate: true, cache_hit_rate: true, p95_ms: false, cost_usd: false }
const Metric = z.enum(Object.keys(METRICS) as [keyof typeof METRICS, ...(keyof typeof METRICS)[]])
const WEEK_HOURS = 168
const Goal = z.object({ metric: Metric, target: z.number(), by: z.string() })

export const CEO_TOOLS = [
  roleTool({
    name: 'approve_strategic_initiative',
    title: 'Decide on an initiative',
    description:
      'Approves an initiative within the limit of the role and the money that is not allocated; beyond either a person decides.',
    input: { initiative: Name, business_value: Text, budget: Dollars },
    output: Decided,
    async run({ initiative, business_value, budget }, work) {
      await readMoney(work)
      return decide(work, {
        type: 'strategic_initiative',
        subject: { name: initiative, amount: budget, text: business_value },
        rationale: business_value,
      })
    },
  }),
  roleTool({
    name: 'allocate_budget',
    title: 'Give money to a department',
    description:
      'Gives money to a department: the user in whose name work is requested. Models are paid from it; 0 means nothing.',
    input: { amount: Dollars, department: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/), justification: Text },
    output: { allocated: z.boolean(), status: z.string(), tracking_id: z.string(), rationale: z.string() },
    async run({ amount, department, justification }, work) {
      await readMoney(work)
      const { approved, decision_id, status, rationale, next } = await decide(work, {
        type: 'allocation',
        subject: { name: department, department, amount },
        rationale: justification,
      })
      return { allocated: approved, status, tracking_id: decision_id, rationale, next }
    },
  }),
  roleTool({
    name: 'escalate_to_board',
    title: 'Have a person decide',
    description: 'Puts an open decision to a person, once. Only a person answers.',
    input: { decision_id: Id, urgency: z.enum(['low', 'normal', 'high']) },
    output: { escalation_id: z.string(), status: z.string(), human_approval_required: z.boolean() },
    async run({ decision_id, urgency }, work) {
      const asked = escalateDecision.input.parse({ decision_id, reason: `urgency ${urgency}` })
      const { status, next } = decidedView(work, await work.ask(escalateDecision, asked))
      return { escalation_id: decision_id, status, human_approval_required: true, next }
    },
  }),
  roleTool({
    name: 'review_organizational_health',
    title: 'Review the state of the organization',
    description:
      'Score 0 to 100: the mean of success and verification rate, less 10 for each firing alert. Null without executions.',
    input: { metrics: z.array(Name).max(20).default([]).describe('only these facts; empty: all') },
    output: {
      health_score: z.number().nullable(),
      issues: z.array(z.string()),
      recommendations: z.array(z.string()),
    },
    reads: true,
    async run({ metrics }, work) {
      const stats = await readStats(work, hoursAgo(WEEK_HOURS))
      const alerts = await readAlerts(work)
      await readMoney(work)
      const roles = await work.read(
        listRoles,
        {},
        { votes_due: (found) => found.roles.reduce((sum, { votes_due }) => sum + votes_due, 0) },
      )
      const firing = (alerts?.alerts ?? []).filter(({ state }) => state === 'firing')
      const rates = [stats?.success_rate, stats?.verification_rate].filter((rate) => typeof rate === 'number')
      const mean = rates.length === 0 ? null : (100 * rates.reduce((sum, rate) => sum + rate, 0)) / rates.length
      const goals = await missedGoals(work, stats as Record<string, unknown> | undefined)
      const idle = (roles?.roles ?? []).filter(({ proposed, votes_cast }) => proposed + votes_cast === 0)
      const wanted = (name: string): boolean => metrics.length === 0 || metrics.includes(name)
      work.facts.splice(0, work.facts.length, ...work.facts.filter(({ name }) => wanted(name)))
      return {
        health_score: mean === null ? null : Math.max(0, Math.round(mean - 10 * firing.length)),
        issues: [
          ...firing.map(({ name, severity, summary }) => `${severity} alert ${name}: ${worldText(summary)}`),
          ...goals,
          ...(idle.length === 0 ? [] : [`never decided anything: ${idle.map(({ role }) => role).join(', ')}`]),
        ],
        recommendations: [
          ...firing.map(({ name }) => `operations_head: triage_incident with alert ${name}`),
          ...(goals.length > 0 ? ['product_manager: prioritize_backlog by the missed goals'] : []),
        ],
        next: 'Each number has its source in facts; a null says why it cannot be had.',
      }
    },
  }),
  roleTool({
    name: 'set_company_goal',
    title: 'Set a goal for the company',
    description: 'Keeps a target for a measured number; review_organizational_health compares them.',
    input: {
      name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
      metric: Metric,
      target: z.number(),
      by: z.iso.date(),
    },
    output: { goal_id: z.string(), baseline: z.number().nullable() },
    async run({ name, metric, target, by }, work) {
      const stats = (await readStats(work, hoursAgo(WEEK_HOURS))) as Record<string, unknown> | undefined
      const now = stats?.[metric]
      const baseline = typeof now === 'number' ? now : null
      const content = JSON.stringify({ metric, target, by, baseline })
      await work.ask(remember, { key: `goal-${name}`, content, tags: [GOAL_TAG] })
      return { goal_id: `goal-${name}`, baseline, next: 'review_organizational_health says whether it is met.' }
    },
  }),
]

/** A sentence for each goal of the company that its number misses now. */
async function missedGoals({ ask }: Parameters<typeof readStats>[0], stats: Record<string, unknown> | undefined) {
  const { memories } = await ask(recall, { tags: [GOAL_TAG], by: 'ceo', limit: 50 })
  return memories.flatMap(({ key, content }) => {
    const { data } = Goal.safeParse(jsonIn(content))
    const value = data && stats?.[data.metric]
    if (data === undefined || typeof value !== 'number') return []
    const met = METRICS[data.metric] ? value >= data.target : value <= data.target
    return met ? [] : [`${key}: ${data.metric} is ${value}, and ${data.target} is wanted by ${data.by}`]
  })
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
