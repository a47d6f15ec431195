/** The `deed` command with all its commands, as commander knows them. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addApply, addDelete, addDiff } from './commands/apply.ts'
import { addApprove, addDeny } from './commands/approve.ts'
import { addAudit } from './commands/audit.ts'
import { addDoctor } from './commands/doctor.ts'
import { addDown } from './commands/down.ts'
import { addDrill } from './commands/drill.ts'
import { addGet } from './commands/get.ts'
import { addGoal } from './commands/goal.ts'
import { addGrant, addRevoke } from './commands/grant.ts'
import { addInfo } from './commands/info.ts'
import { addInit } from './commands/init.ts'
import { addKinds } from './commands/kinds.ts'
import { addResolve } from './commands/resolve.ts'
import { addRollback } from './commands/rollback.ts'
import { addRun } from './commands/run.ts'
import { addSchedule } from './commands/schedule.ts'
import { addShow } from './commands/show.ts'
import { addStats } from './commands/stats.ts'
import { addSteering } from './commands/steer.ts'
import { addSubmit } from './commands/submit.ts'
import { addUp } from './commands/up.ts'
import { addWatch } from './commands/watch.ts'

/** In the order of the help. */
const GROUPS: Record<string, ((program: Command) => void)[]> = {
  'Ask for work:': [addRun, addSubmit, addApply, addDiff, addDelete],
  'Look:': [addGet, addShow, addWatch, addStats, addKinds, addAudit],
  'Decide:': [addApprove, addDeny, addGrant, addRevoke, addResolve],
  'Steer:': [addSteering, addRollback],
  'What stands:': [addGoal, addSchedule],
  'The mesh:': [addInit, addUp, addDown, addInfo, addDoctor, addDrill],
}

export function deedProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const program = new Command('deed')
    .version(version, '-V, --version', 'print the version')
    .description('Takes a task in plain words, does it, proves it, and can undo it.')
    .option('--json', 'one JSON document on standard output')
    .option(
      '--data-dir <folder>',
      'of the mesh on this machine (default: $DEED_DATA_DIR, else .deed beside the nearest execution.yaml)',
    )
    .option('--as <user>', 'act as another user, such as approver; or as <tenant>.<user>')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  deed init
  deed up --detach
  deed run "How many assets do we have?"
  deed get executions --since 1h
  deed run --help

Exit code: 0 success, of a task: verified; 1 failed; 2 usage or refused; 3 no mesh reached; 78 a setting of the mesh cannot be used.
The mesh is that of the nearest folder, from here up, with an execution.yaml or .deed; one elsewhere is named by
--data-dir, or by NATS_URL, NATS_USER and NATS_PASSWORD. Colour is off with NO_COLOR.`,
    )
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(heading)
    for (const add of commands) add(program)
  }
  return program
}
