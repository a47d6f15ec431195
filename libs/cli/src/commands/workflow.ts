/** deed workflow: work that roles decide on, executors do and people answer for, kept as files. */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { requestExecution } from '@deed/proto/execution'
import type { Json } from '@deed/proto/json'
import { listWorkflows, WorkflowName, type WorkflowView } from '@deed/proto/workflow'
import type { Command } from 'commander'
import { type Shell, shellOf, withMesh } from '../connect/shell.ts'
import { runShown } from '../following/run-shown.ts'
import { dryRunText } from '../show/execution.ts'
import { table } from '../show/table.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { EXIT } from '../terminal/exit-code.ts'
import { by, collectPairs, timeoutOption } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

const TIMEOUT_MS = 600_000

export function addWorkflow(program: Command): void {
  const workflow = program
    .command('workflow')
    .summary('work that roles decide on, executors do and people answer for')
    .description('Work that roles decide on, executors do and people answer for: manifests with parameters.')
    .addHelpText(
      'after',
      `
Workflows of your own are in the folder workflows.folder of execution.yaml: see
docs/organization.md.

Examples:
  deed workflow list
  deed workflow show incident_response
  deed workflow run incident_response --set target=demo-api`,
    )
  addList(workflow)
  addShow(workflow)
  addRun(workflow)
}

function addList(workflow: Command): void {
  workflow
    .command('list', { isDefault: true })
    .description('the workflows, and what is wrong with their files')
    .addHelpText('after', '\nExamples:\n  deed workflow list\n  deed workflow list --json')
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const { workflows } = await withMesh(shell, (bus) => bus.call(listWorkflows, {}))
      out.document({ workflows })
      out.print(workflowTable(workflows, out))
      for (const fault of workflows.flatMap(({ faults }) => faults)) out.note(out.paint('red', plainLine(fault)))
    })
}

function addShow(workflow: Command): void {
  workflow
    .command('show')
    .argument('<name>', 'of the workflow', by(WorkflowName))
    .description('its parameters and tasks')
    .addHelpText('after', '\nExamples:\n  deed workflow show feature_development')
    .action(async (name: WorkflowView['name'], _options: object, command: Command) => {
      const shell = shellOf(command)
      const { workflows } = await withMesh(shell, (bus) => bus.call(listWorkflows, {}))
      const found = workflows.find((one) => one.name === name)
      if (!found) {
        const known = workflows.map((one) => one.name).join(', ')
        throw new DeedError('not_found', `there is no workflow ${name}; known are ${known}`)
      }
      shell.out.document(found)
      shell.out.print(workflowText(found))
      if (found.faults.length > 0) process.exitCode = EXIT.refused
    })
}

interface RunOptions {
  set?: Record<string, Json>
  dryRun?: boolean
  background?: boolean
  yes?: boolean
  timeout: number
}

function addRun(workflow: Command): void {
  workflow
    .command('run')
    .argument('<name>', 'of the workflow', by(WorkflowName))
    .description('run it, and wait for its verified end')
    .option('--set <key=value>', 'a parameter; may be repeated', collectPairs)
    .option('--dry-run', 'show plan, level and undo; nothing is done')
    .option('--background', 'do not wait for its end')
    .option('-y, --yes', 'approve what needs level 1; more is asked for')
    .addOption(timeoutOption('how long to wait; the execution continues', TIMEOUT_MS))
    .addHelpText(
      'after',
      `
Its decisions wait for the votes of the roles, and of a person where the rule
says so; \`deed get approvals\` lists what waits for a person.

Examples:
  deed workflow run incident_response --set target=demo-api
  deed workflow run strategic_planning --set initiative="Own builds" \\
    --set direction="One builder" --set value="An hour a day" --set amount=500`,
    )
    .action(async (name: WorkflowView['name'], options: RunOptions, command: Command) => {
      const shell = shellOf(command)
      process.exitCode = await withMesh(shell, (bus) => run(shell, bus, name, options))
    })
}

async function run({ out }: Shell, bus: Bus, name: string, options: RunOptions): Promise<number> {
  const { set = {}, dryRun = false, background = false, yes = false, timeout: timeoutMs } = options
  const request = { workflow: { name, set } }
  if (dryRun) {
    const reply = await bus.call(requestExecution, { ...request, dry_run: true })
    out.document(reply)
    out.print(dryRunText(reply, out.paint))
    return EXIT.success
  }
  if (background) {
    const reply = await bus.call(requestExecution, { ...request, mode: 'background' })
    out.document(reply)
    out.print(`accepted: ${shownId(reply.execution_id)}`)
    out.note(`See it with\n  ${deedCommand(`show ${shownId(reply.execution_id)}`)}`)
    return EXIT.success
  }
  return runShown(out, bus, request, { yes, timeoutMs, by: 'deed workflow run' })
}

function workflowTable(workflows: readonly WorkflowView[], { paint, width }: Output): string {
  return table<WorkflowView>(
    [
      { heading: 'WORKFLOW', cell: ({ name }) => name },
      {
        heading: 'NEEDS',
        cell: ({ parameters }) => parameters.flatMap(({ name, required }) => (required ? [name] : [])).join(', '),
      },
      { heading: 'ABOUT', cell: ({ about, faults }) => (faults.length > 0 ? 'cannot run' : about), fills: true },
    ],
    workflows,
    paint,
    width,
  )
}

function workflowText({ name, about, file, parameters, tasks, faults }: WorkflowView): string {
  const given = parameters.map(
    ({ name: parameter, about: text, required, default: value }) =>
      `  ${parameter}: ${text}${required ? '' : ` (default: ${JSON.stringify(value)})`}`,
  )
  const steps = tasks.map(
    ({ id, does, depends_on: before }) => `  ${id}: ${does}${before.length > 0 ? `, after ${before.join(', ')}` : ''}`,
  )
  return [
    `${name} (${file})`,
    about,
    ...(given.length > 0 ? ['', 'Parameters:', ...given] : []),
    ...(steps.length > 0 ? ['', 'Tasks:', ...steps] : []),
    ...(faults.length > 0 ? ['', 'It cannot run:', ...faults.map((fault) => `  ${fault}`)] : []),
  ]
    .map((line) => plainLine(line))
    .join('\n')
}
