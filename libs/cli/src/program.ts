/** The `deed` command with all its commands, as commander knows them. */
import { readFileSync } from 'node:fs'
import { Command, Help } from 'commander'
import { addAlerts } from './commands/alerts.ts'
import { addAnalyze, addSearch } from './commands/analyze.ts'
import { addApply, addDelete, addDiff } from './commands/apply.ts'
import { addApprove, addDeny } from './commands/approve.ts'
import { addAudit } from './commands/audit.ts'
import { addBackup, addRestore } from './commands/backup.ts'
import { addCache } from './commands/cache.ts'
import { addChoose } from './commands/choose.ts'
import { addCompletion } from './commands/completion.ts'
import { addConsole } from './commands/console.ts'
import { addCredentials } from './commands/credentials.ts'
import { addDoctor } from './commands/doctor.ts'
import { addDown } from './commands/down.ts'
import { addDrill } from './commands/drill.ts'
import { addExplain } from './commands/explain.ts'
import { addGet } from './commands/get.ts'
import { addGoal } from './commands/goal.ts'
import { addGrant, addRevoke } from './commands/grant.ts'
import { addInfo } from './commands/info.ts'
import { addInit } from './commands/init.ts'
import { addKinds } from './commands/kinds.ts'
import { addLogLevel } from './commands/log-level.ts'
import { addLogs } from './commands/logs.ts'
import { addMcp } from './commands/mcp.ts'
import { addMetrics } from './commands/metrics.ts'
import { addModels } from './commands/models.ts'
import { addPrepare } from './commands/prepare.ts'
import { addResolve } from './commands/resolve.ts'
import { addRollback } from './commands/rollback.ts'
import { addRules } from './commands/rules.ts'
import { addRun } from './commands/run.ts'
import { addSchedule } from './commands/schedule.ts'
import { addShow } from './commands/show.ts'
import { addStats } from './commands/stats.ts'
import { addSteering } from './commands/steer.ts'
import { addSubmit } from './commands/submit.ts'
import { addTemplates } from './commands/templates.ts'
import { addTop } from './commands/top.ts'
import { addTrace } from './commands/trace.ts'
import { addUp } from './commands/up.ts'
import { addWatch } from './commands/watch.ts'
import { addWorkflow } from './commands/workflow.ts'

const HELP_WIDTH = 80
/** Below this a description is not broken into lines. */
const DESCRIPTION_WIDTH_MIN = 20

/** In the order of the help. */
const GROUPS: Record<string, ((program: Command) => void)[]> = {
  'Do work:': [addRun, addApply, addSubmit, addWorkflow, addDiff, addDelete],
  'See what happens:': [
    ...[addGet, addShow, addWatch, addExplain, addTrace, addTop, addStats, addMetrics, addAlerts],
    ...[addKinds, addRules, addTemplates, addCache, addAudit, addAnalyze, addSearch],
  ],
  'Decide:': [addApprove, addDeny, addChoose, addGrant, addRevoke, addResolve],
  'Change what runs:': [addSteering, addRollback, addLogLevel],
  'Keep and repeat:': [addGoal, addSchedule],
  'Run the mesh:': [
    ...[addInit, addUp, addDown, addDoctor, addConsole, addInfo, addModels],
    ...[addCredentials, addPrepare, addBackup, addRestore, addLogs, addDrill, addMcp, addCompletion],
  ],
}

/** Listed with what they do; the help of `deed` only names the others. */
const FREQUENT = new Set([
  ...['run', 'apply', 'get', 'show', 'watch', 'explain', 'approve', 'cancel', 'rollback', 'goal', 'schedule'],
  ...['init', 'up', 'down', 'doctor', 'console'],
])

export function deedProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const program = new Command('deed')
    .version(version, '-V, --version', 'print the version')
    .usage('<command> [options]   (more, with examples: deed <command> --help)')
    .description('Takes a task in plain words, does it, proves it, and can undo it.')
    .option('--json', 'print one JSON document')
    .option('--data-dir <folder>', 'of the mesh (default: the nearest .deed)')
    .option('--as <user>', 'act as another user: approver, or <tenant>.<user>')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(helpCommand())
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: HELP_WIDTH,
      minWidthToWrap: DESCRIPTION_WIDTH_MIN,
      subcommandTerm: (command) => command.name(),
      formatHelp,
      visibleCommands,
    })
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/( is invalid.*)\. must be /, '$1: it must be ')),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `Examples:
  deed init && deed up --detach && deed run "How many assets do we have?"
Exit codes: 0 as asked, 1 not so, 2 refused, 3 no mesh, 78 setting, 130 stopped.`,
    )
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(heading)
    for (const add of commands) add(program)
  }
  for (const command of program.commands) command.helpCommand(false)
  sayWhereHelpIs(program, 'deed')
  return program
}

/** An error of the command line names the help of its command. @param words as they are typed */
function sayWhereHelpIs(command: Command, words: string): void {
  command.showHelpAfterError(`See ${words} --help.`)
  for (const one of command.commands) sayWhereHelpIs(one, `${words} ${one.name()}`)
}

const helpCommand = (): Command =>
  new Command('help')
    .argument('[command]')
    .description('print help for a command')
    .helpOption(false)
    .helpGroup('Run the mesh:')

/** Of `deed` itself, after the frequent ones of each group a line that names the others; `--help` is among the options. */
function visibleCommands(this: Help, command: Command): Command[] {
  const all = Help.prototype.visibleCommands.call(this, command)
  if (command.parent) return all
  return Object.keys(GROUPS).flatMap((heading) => {
    const group = all.filter((one) => one.helpGroup() === heading)
    const others = group.map((one) => one.name()).filter((name) => !FREQUENT.has(name) && name !== 'help')
    const also = new Command('also').description(others.join(', ')).helpGroup(heading)
    return [...group.filter((one) => FREQUENT.has(one.name())), ...(others.length > 0 ? [also] : [])]
  })
}

/** That of the program is one screen, without empty lines. */
function formatHelp(command: Command, help: Help): string {
  const text = Help.prototype.formatHelp.call(help, command, help)
  return command.parent ? text : `${text.replaceAll('\n\n', '\n').trimEnd()}\n`
}
