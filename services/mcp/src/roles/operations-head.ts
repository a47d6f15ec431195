/** The head of operations: what runs, what is wrong, and what was kept. */
import { listApprovals } from '@deed/proto/approval'
import { listExecutions } from '@deed/proto/execution'
import { listGoals } from '@deed/proto/goal'
import { addBacklogItem, HOLD_HOURS_MAX, listHolds } from '@deed/proto/organization-work'
import { z } from 'zod'
import { worldText } from '../tools/execution-view.ts'
import { countBy, readAlerts, readExecutions, readStats, readWorkers } from './read-facts.ts'
import { Requested, Responding, requestWork } from './request-work.ts'
import { Decided, decide, Hours, hoursAgo, Name, roleTool, Text } from './role-tool.ts'

const SUSPECTS_MAX = 10
const HOURS_SHOWN = 5
const { execution_id, plan } = Requested
const Responded = { execution_id, plan }
const SUSPECT_HOURS = 6
const PAUSED_READ = 100

export const OPERATIONS_TOOLS = [
  roleTool({
    name: 'get_operations_status',
    title: 'Read the state of operations',
    description:
      'Services that answer, workers, firing alerts, what waits for people, goals that are blocked, targets that are held.',
    input: {},
    output: {
      services: z.array(z.string()),
      alerts: z.array(
        z.strictObject({ name: z.string(), severity: z.string(), since: z.string(), summary: z.string() }),
      ),
      blocked_goals: z.array(z.string()),
      held: z.array(
        z.strictObject({ target: z.string(), held_by: z.string(), until: z.string(), untrusted: z.string() }),
      ),
    },
    reads: true,
    async run(_, work) {
      const workers = await readWorkers(work)
      const alerts = await readAlerts(work)
      await readStats(work, hoursAgo(1))
      await work.read(
        listApprovals,
        { status: 'pending', limit: 500 },
        { waiting_for_people: ({ approvals, tasks }) => approvals.length + tasks.length },
      )
      const goals = await work.read(
        listGoals,
        {},
        { goals_blocked: (found) => found.goals.filter(({ status }) => status === 'blocked').length },
      )
      const holds = await work.read(listHolds, {}, { targets_held: (found) => found.holds.length })
      return {
        services: [...new Set((workers?.services ?? []).map(({ service }) => service))],
        alerts: (alerts?.alerts ?? [])
          .filter(({ state }) => state === 'firing')
          .map(({ name, severity, since, summary }) => ({ name, severity, since, summary: worldText(summary) })),
        held: (holds?.holds ?? []).map(({ target, held_by, until, reason }) => ({
          ...{ target, held_by, until },
          untrusted: worldText(reason),
        })),
        blocked_goals: (goals?.goals ?? []).filter(({ status }) => status === 'blocked').map(({ name }) => name),
        next: 'triage_incident begins with an alert or with words.',
      }
    },
  }),
  roleTool({
    name: 'triage_incident',
    title: 'Begin with an incident',
    description:
      'Severity by the alert, else warning. suspects: failed executions of the last six hours. Adds a finding to the backlog; respond starts a workflow.',
    input: {
      alert: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,62}$/)
        .optional(),
      words: Text.optional(),
      respond: Responding.optional(),
    },
    output: {
      ...Responded,
      incident_id: z.string(),
      severity: z.string(),
      suspects: z.array(z.strictObject({ execution_id: z.string(), error: z.string(), untrusted: z.string() })),
      runbook: z.string(),
    },
    async run({ alert, words, respond }, work) {
      const alerts = await readAlerts(work)
      const found = alerts?.alerts.find(({ name }) => name === alert)
      const since = hoursAgo(SUSPECT_HOURS)
      const failed = await readExecutions(work, { status: 'failed', since }, 'failed_executions')
      const severity = found?.severity ?? 'warning'
      const said = worldText(words ?? found?.summary ?? `alert ${alert ?? 'without a name'}`)
      const item = await work.ask(addBacklogItem, {
        kind: 'finding',
        name: `Incident ${alert ?? 'in words'} ${new Date().toISOString()}`,
        text: `${severity}: ${said}`,
        evidence: failed.slice(0, SUSPECTS_MAX).map(({ execution_id: id }) => `execution ${id}`),
      })
      const started = respond && (await requestWork(work, { workflow: respond }))
      return {
        ...{ execution_id: started?.execution_id ?? null, plan: started?.plan ?? [] },
        incident_id: item.backlog_id,
        severity,
        suspects: failed.slice(0, SUSPECTS_MAX).map(({ execution_id, error, task }) => ({
          ...{ execution_id, error: error?.code ?? 'unknown' },
          untrusted: worldText(task),
        })),
        runbook: found === undefined ? '' : worldText(found.runbook),
        next: started?.next ?? 'run_runbook with dry_run shows what a runbook would do; respond starts a workflow.',
      }
    },
  }),
  roleTool({
    name: 'run_runbook',
    title: 'Run a runbook',
    description:
      'Runs a runbook of execution.yaml by its name; dry_run shows the steps and their levels. A person approves.',
    input: { runbook: Name, target: Name.optional(), dry_run: z.boolean().default(true) },
    output: Requested,
    run: ({ runbook, target, dry_run }, work) =>
      requestWork(work, {
        task: [runbook.replaceAll('-', ' '), target].filter((one) => one !== undefined).join(' '),
        dry_run,
      }),
  }),
  roleTool({
    name: 'hold_target',
    title: 'Keep a target from being acted on',
    description:
      'Until then no plan with the target is accepted, and no step of an accepted one begins. paused: what waits for it. hours 0 releases.',
    input: { target: Name, hours: z.number().min(0).max(HOLD_HOURS_MAX), reason: Text },
    output: { ...Decided, held: z.boolean(), until: z.string().nullable(), paused: z.array(z.string()) },
    async run({ target, hours, reason }, work) {
      const decided = await decide(work, {
        type: 'hold',
        subject: { name: target, text: reason, details: { hours } },
        rationale: reason,
      })
      const holds = await work.read(listHolds, {}, { targets_held: (found) => found.holds.length })
      const hold = holds?.holds.find((one) => one.target === target)
      const named = await work.ask(listExecutions, { target, limit: PAUSED_READ })
      const open = named.executions.filter(({ finished_at: at }) => at === null)
      work.fact('open_executions', open.length, `execution.list target=${target}, the newest ${PAUSED_READ}`)
      return {
        ...decided,
        ...{ held: hold !== undefined, until: hold?.until ?? null },
        paused: hold === undefined ? [] : open.map(({ execution_id: id }) => id),
        next: hold === undefined ? decided.next : 'hold_target with hours 0 releases it; else its end does.',
      }
    },
  }),
  roleTool({
    name: 'review_slo',
    title: 'Review how a target did',
    description:
      'Of the executions that name a target: the part that ended verified, what is left of the allowed part, worst hours.',
    input: { target: Name, hours: Hours, objective: z.number().min(0).max(1).default(0.99) },
    output: {
      attainment: z.number().nullable(),
      budget_left: z.number().nullable().describe('of the failures that the objective allows: 1 all, 0 none'),
      worst_hours: z.array(z.strictObject({ hour: z.string(), failures: z.number() })),
    },
    reads: true,
    async run({ target, hours, objective }, work) {
      const all = await readExecutions(work, { target, since: hoursAgo(hours) })
      const ended = all.filter(({ finished_at: at }) => at !== null)
      const bad = ended.filter(({ success }) => !success)
      const allowed = (1 - objective) * ended.length
      return {
        attainment: ended.length === 0 ? null : 1 - bad.length / ended.length,
        budget_left: ended.length === 0 ? null : allowed === 0 ? Number(bad.length === 0) : 1 - bad.length / allowed,
        worst_hours: countBy(bad, ({ created_at: at }) => `${at.slice(0, 13)}:00Z`)
          .slice(0, HOURS_SHOWN)
          .map(([hour, failures]) => ({ hour, failures })),
        next: ended.length === 0 ? 'No execution named this target.' : 'triage_incident begins with what failed.',
      }
    },
  }),
]
