/** The test lead: which criteria have a check, what tests showed, and whether a release may go on. */
import { getExecution } from '@deed/proto/execution'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import { featureOf } from './product-manager.ts'
import { readAlerts, readExecutions } from './read-facts.ts'
import { Proves, Requested, RUN_MS_MAX, requestWork } from './request-work.ts'
import { Decided, decide, Hours, hoursAgo, Name, roleTool } from './role-tool.ts'

const FLAKY_MAX = 20

export const TEST_TOOLS = [
  roleTool({
    name: 'define_test_plan',
    title: 'Plan the tests of a feature',
    description: 'Each acceptance criterion with the execution that is to show it; missing: those without one.',
    input: { feature_id: Id },
    output: {
      checks: z.array(
        z.strictObject({ criterion: z.number(), execution_id: z.string().nullable(), untrusted: z.string() }),
      ),
      missing: z.array(z.number()).describe('numbers of criteria'),
    },
    reads: true,
    async run({ feature_id }, work) {
      const { criteria } = await featureOf(work, feature_id)
      work.fact('criteria', criteria.length, `organization.list-backlog backlog_id=${feature_id}`)
      const checks = criteria.map(({ text, checkable, execution_id }, criterion) => ({
        ...{ criterion, execution_id },
        untrusted: worldText(checkable ? text : `nothing can check it: ${text}`),
      }))
      return {
        checks,
        missing: checks.filter(({ execution_id: id }) => id === null).map(({ criterion }) => criterion),
        next: 'run_tests or implement_change with proves links an execution to a criterion.',
      }
    },
  }),
  roleTool({
    name: 'run_tests',
    title: 'Run tests',
    description: 'Runs the tests of a workspace with one program and its arguments. A person approves that.',
    input: {
      workspace: z.string().min(1).max(4_096),
      selection: z.array(z.string().min(1).max(1_024)).min(1).max(50).describe('program and arguments: npm, test'),
      dry_run: z.boolean().default(false),
      proves: Proves,
    },
    output: Requested,
    run: ({ workspace, selection, dry_run, proves }, work) =>
      requestWork(work, {
        manifest: {
          ...{ name: 'run-tests', workspace },
          tasks: [{ id: 'tests', action: { kind: 'test.run', input: { argv: selection }, timeout_ms: RUN_MS_MAX } }],
        },
        ...{ dry_run, proves },
      }),
  }),
  roleTool({
    name: 'run_drill',
    title: 'Break a mesh on purpose',
    description:
      'Runs faults of deed drill, from a workspace that has the package deed, on a mesh of its own. A person approves; done means that all held.',
    input: {
      workspace: z.string().min(1).max(4_096),
      faults: z
        .array(z.string().regex(/^F[0-9]{2,3}$/))
        .min(1)
        .max(20),
      dry_run: z.boolean().default(true),
      proves: Proves,
    },
    output: Requested,
    run: ({ workspace, faults, dry_run, proves }, work) => {
      const argv = ['npx', '--no-install', 'deed', 'drill', '--only', faults.join(','), '--json']
      return requestWork(work, {
        manifest: {
          name: 'run-drill',
          workspace,
          tasks: [{ id: 'drill', action: { kind: 'command.run', input: { argv }, timeout_ms: RUN_MS_MAX } }],
        },
        ...{ dry_run, proves },
      })
    },
  }),
  roleTool({
    name: 'assess_release',
    title: 'Judge a release',
    description:
      'Passes if every named execution is done and verified, and no critical alert fires. Only a person waives that.',
    input: {
      release: Name,
      gates: z.array(Id).min(1).max(20).describe('executions: tests, drills'),
      waive: z.boolean().default(false),
    },
    output: {
      ...Decided,
      passed: z.boolean(),
      gates: z.array(z.strictObject({ gate: z.string(), passed: z.boolean(), evidence: z.string() })),
    },
    async run({ release, gates, waive }, work) {
      const alerts = await readAlerts(work)
      const calm =
        alerts !== undefined &&
        !alerts.alerts.some(({ state, severity }) => state === 'firing' && severity === 'critical')
      const shown = await Promise.all(
        [...new Set(gates)].map(async (id) => {
          const { status, task_verified } = await work.ask(getExecution, getExecution.input.parse({ execution_id: id }))
          const passed = status === 'done' && task_verified
          return { gate: id, passed, evidence: `${status}, ${task_verified ? '' : 'not '}verified` }
        }),
      )
      const all = [...shown, { gate: 'no critical alert', passed: calm, evidence: 'alert.list' }]
      const passed = all.every((gate) => gate.passed)
      work.fact('gates_passed', passed, `execution.get of ${shown.length} executions, alert.list`)
      const decided = await decide(work, {
        type: 'release',
        subject: { name: release, details: { gates } },
        rationale: all.map(({ gate, evidence }) => `${gate}: ${evidence}`).join('\n'),
        ...(waive && { mode: 'human' }),
      })
      return { ...decided, passed, gates: all }
    },
  }),
  roleTool({
    name: 'find_flaky',
    title: 'Find tasks with both outcomes',
    description: 'Tasks in the same words that ended verified and also failed in the window.',
    input: { hours: Hours },
    output: { flaky: z.array(z.strictObject({ verified: z.number(), failed: z.number(), untrusted: z.string() })) },
    reads: true,
    async run({ hours }, work) {
      const all = await readExecutions(work, { since: hoursAgo(hours) })
      const byTask = new Map<string, { verified: number; failed: number }>()
      for (const { task, success, status } of all) {
        const one = byTask.get(task) ?? { verified: 0, failed: 0 }
        byTask.set(task, { verified: one.verified + Number(success), failed: one.failed + Number(status === 'failed') })
      }
      return {
        flaky: [...byTask]
          .filter(([, { verified, failed }]) => verified > 0 && failed > 0)
          .slice(0, FLAKY_MAX)
          .map(([task, counts]) => ({ ...counts, untrusted: worldText(task) })),
        next: 'recall and remember keep what was found about one.',
      }
    },
  }),
]
