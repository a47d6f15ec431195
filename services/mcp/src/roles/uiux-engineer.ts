/** The engineer for people's experience: how long they wait, what they are asked, and in which words. */
import { listApprovals } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import { getExecution } from '@deed/proto/execution'
import { addBacklogItem } from '@deed/proto/organization-work'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import { countBy, quantile, readAlerts, readExecutions, readStats } from './read-facts.ts'
import { Requested, RUN_MS_MAX, requestWork } from './request-work.ts'
import { Hours, hoursAgo, Name, roleTool, Text, type Work } from './role-tool.ts'

const APPROVALS_READ = 500
const SENTENCES_MAX = 25

export const UIUX_TOOLS = [
  roleTool({
    name: 'audit_accessibility',
    title: 'Audit the accessibility of pages',
    description:
      'Runs the audit of a workspace, such as its axe tests in a browser; a person approves. With execution_id: the figures of one that was started.',
    input: {
      workspace: z.string().min(1).max(4_096).optional(),
      selection: z
        .array(z.string().min(1).max(1_024))
        .max(50)
        .default([])
        .describe('program and arguments: npm, run, axe'),
      execution_id: Id.optional(),
      dry_run: z.boolean().default(true),
    },
    output: {
      ...Requested,
      checks: z.number().nullable().describe('that ran'),
      violations: z.number().nullable().describe('checks that failed; null: facts say why'),
    },
    async run({ workspace, selection, execution_id: id, dry_run }, work) {
      if (id !== undefined) return auditOf(work, id)
      if (workspace === undefined || selection.length === 0)
        throw new DeedError('missing_field', 'name the workspace and its audit in selection, or an execution_id')
      const action = { kind: 'test.run', input: { argv: selection }, timeout_ms: RUN_MS_MAX }
      const manifest = { name: 'audit-accessibility', workspace, tasks: [{ id: 'audit', action }] }
      const asked = await requestWork(work, { manifest, dry_run })
      for (const name of ['checks', 'violations']) work.fact(name, null, 'the audit has not run yet')
      return {
        ...asked,
        ...{ checks: null, violations: null },
        next: asked.execution_id === null ? asked.next : 'Once it has ended, call this with its execution_id.',
      }
    },
  }),
  roleTool({
    name: 'measure_experience',
    title: 'Measure what people experience',
    description: 'How long people take to decide, how much they deny, and how many tasks were not understood.',
    input: { hours: Hours },
    output: {
      approve_p50_seconds: z.number().nullable(),
      approve_p95_seconds: z.number().nullable(),
      denied: z.number(),
      not_understood: z.number(),
    },
    reads: true,
    async run({ hours }, work) {
      const since = hoursAgo(hours)
      await readStats(work, since)
      const found = await work.read(
        listApprovals,
        { limit: APPROVALS_READ },
        { approvals_read: ({ approvals }) => approvals.length },
      )
      const decided = (found?.approvals ?? []).filter(({ decided_at: at }) => at !== null && at >= since)
      const seconds = decided.map(
        ({ asked_at, decided_at }) => (Date.parse(decided_at ?? '') - Date.parse(asked_at)) / 1_000,
      )
      const unclear = await readExecutions(work, { error: 'not_understood', since }, 'not_understood_read')
      return {
        ...{ approve_p50_seconds: quantile(seconds, 0.5), approve_p95_seconds: quantile(seconds, 0.95) },
        denied: decided.filter(({ status }) => status === 'denied').length,
        not_understood: unclear.length,
        next: 'review_wording shows the sentences; propose_change keeps a finding.',
      }
    },
  }),
  roleTool({
    name: 'review_wording',
    title: 'Read what Deed says to people',
    description: 'The sentences of errors, alerts or approvals, by how often people saw them.',
    input: { surface: z.enum(['errors', 'alerts', 'approvals']), hours: Hours },
    output: { sentences: z.array(z.strictObject({ code: z.string(), count: z.number(), untrusted: z.string() })) },
    reads: true,
    async run({ surface, hours }, work) {
      const said = await sentences(surface, hours, work)
      return {
        sentences: countBy(said, ({ code, text }) => `${code}\n${text}`)
          .slice(0, SENTENCES_MAX)
          .map(([key, count]) => {
            const [code = '', ...rest] = key.split('\n')
            return { code, count, untrusted: worldText(rest.join('\n')) }
          }),
        next: 'propose_change keeps a better sentence, with this as evidence.',
      }
    },
  }),
  roleTool({
    name: 'propose_change',
    title: 'Propose a change for people',
    description: 'Adds a finding to the backlog. evidence: executions, measures or sentences that show the problem.',
    input: { page: Name, problem: Text, evidence: z.array(z.string().min(1).max(256)).min(1).max(20) },
    output: { backlog_id: z.string(), priority: z.number() },
    async run({ page, problem, evidence }, work) {
      const item = await work.ask(addBacklogItem, {
        ...{ kind: 'finding', name: `${page}: ${problem}`.slice(0, 256), text: problem, evidence },
      })
      return {
        backlog_id: item.backlog_id,
        priority: item.rank,
        next: 'product_manager: prioritize_backlog orders it.',
      }
    },
  }),
]

/**
 * Figures of the summary that the run itself printed, as its evidence has them, and no others: without a browser no check runs, and there
 * are none. A run with violations fails, and has no result.
 */
async function auditOf(work: Work, id: string) {
  const { execution_id, status, tasks, error } = await work.ask(
    getExecution,
    getExecution.input.parse({ execution_id: id }),
  )
  const tests = tasks.map(({ evidence }) => Audited.parse(evidence?.facts ?? {}).tests).find((one) => one !== undefined)
  const source = tests ? `execution ${id}, the summary of its run` : (error?.message ?? `execution ${id} is ${status}`)
  const checks = tests ? tests.passed + tests.failed : null
  const violations = tests?.failed ?? null
  work.fact('checks', checks, worldText(source))
  work.fact('violations', violations, worldText(source))
  work.fact('checks_skipped', tests?.skipped ?? null, worldText(source))
  const next = tests ? 'propose_change keeps a finding, with this execution as evidence.' : 'facts say what is missing.'
  return { execution_id, status, plan: [], checks, violations, next }
}

const Count = z.number().int().min(0)
const Audited = z.object({ tests: z.object({ passed: Count, failed: Count, skipped: Count }).optional() }).catch({})

async function sentences(
  surface: 'errors' | 'alerts' | 'approvals',
  hours: number,
  work: Parameters<typeof readAlerts>[0],
): Promise<{ code: string; text: string }[]> {
  if (surface === 'alerts') {
    const found = await readAlerts(work)
    return (found?.alerts ?? []).map(({ name, summary }) => ({ code: name, text: summary }))
  }
  if (surface === 'approvals') {
    const found = await work.read(
      listApprovals,
      { limit: APPROVALS_READ },
      { approvals_read: ({ approvals }) => approvals.length },
    )
    return (found?.approvals ?? []).flatMap(({ level, actions }) =>
      actions.map(({ summary, title }) => ({ code: `level ${level}`, text: summary || title })),
    )
  }
  const found = await readExecutions(work, { since: hoursAgo(hours) })
  return found.flatMap(({ error }) => (error === null ? [] : [{ code: error.code, text: error.message }]))
}
