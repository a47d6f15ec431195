/** The `deed` command with all its commands, as commander knows them. */
import { readFileSync } from 'node:fs'
import { Command, Help } from 'commander'
import { addApply, addDelete, addDiff } from './commands/apply.ts'
import { addApprove, addDeny } from './commands/approve.ts'
import { addAudit } from './commands/audit.ts'
import { addChoose } from './commands/choose.ts'
import { addCompletion } from './commands/completion.ts'
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
import { addResolve } from './commands/resolve.ts'
import { addRollback } from './commands/rollback.ts'
import { addRules } from './commands/rules.ts'
import { addRun } from './commands/run.ts'
import { addSchedule } from './commands/schedule.ts'
import { addShow } from './commands/show.ts'
import { addStats } from './commands/stats.ts'
import { addSteering } from './commands/steer.ts'
import { addSubmit } from './commands/submit.ts'
import { addUp } from './commands/up.ts'
import { addWatch } from './commands/watch.ts'

const HELP_WIDTH = 80
/** Below this a description is not broken into lines. */
const DESCRIPTION_WIDTH_MIN = 20

/** In the order of the help. */
const GROUPS: Record<string, ((program: Command) => void)[]> = {
  'Do work:': [addRun, addSubmit, addApply, addDiff, addDelete],
  'See what happens:': [addGet, addShow, addWatch, addStats, addExplain, addKinds, addRules, addAudit],
  'Decide:': [addChoose, addApprove, addDeny, addGrant, addRevoke, addResolve],
  'Change what runs:': [addSteering, addRollback],
  'Keep and repeat:': [addGoal, addSchedule],
  'Run the mesh:': [addInit, addUp, addDown, addInfo, addDoctor, addDrill, addCompletion],
}

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
    })
    .showSuggestionAfterError()
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
  return program
}

const helpCommand = (): Command =>
  new Command('help')
    .argument('[command]')
    .description('print help for a command')
    .helpOption(false)
    .helpGroup('Run the mesh:')

/** That of the program is one screen, without empty lines. */
function formatHelp(command: Command, help: Help): string {
  const text = Help.prototype.formatHelp.call(help, command, help)
  return command.parent ? text : `${text.replaceAll('\n\n', '\n').trimEnd()}\n`
}
