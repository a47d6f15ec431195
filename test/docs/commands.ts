/** The reference of the `deed` command, made from the help of its commands. */
import { deedProgram } from '@deed/cli/program'
import type { Command } from 'commander'

const WIDTH = 100

const INTRODUCTION = `# Commands

Every command has \`--help\`, and \`--json\` for one document that programs read. In the clone,
\`npm run deed -- <command>\` runs it; [quick-start.md](quick-start.md) says how to have \`deed\` on the PATH.

The command finds the mesh by \`NATS_URL\`, \`NATS_USER\` and \`NATS_PASSWORD\`, or by \`mesh.json\` in the data folder: \`.deed\` in
the nearest folder, from the current one up, that has an \`execution.yaml\` or \`.deed\`.

[troubleshooting.md](troubleshooting.md) explains what a command may say instead of succeeding.`

export function commandsPage(): string {
  const program = deedProgram()
  return `${[INTRODUCTION, ...section(program, 'deed')].join('\n\n')}\n`
}

/** The help of a command, then of those below it. */
function section(command: Command, name: string): string[] {
  const below = command.commands.filter((one) => one.name() !== 'help')
  return [
    `## ${name}`,
    ['```text', helpOf(command).trimEnd(), '```'].join('\n'),
    ...below.flatMap((one) => section(one, `${name} ${one.name()}`)),
  ]
}

/** As `--help` prints it, without the options that every command has. */
function helpOf(command: Command): string {
  let help = ''
  command.configureHelp({ ...command.configureHelp(), helpWidth: WIDTH, showGlobalOptions: false })
  command.configureOutput({ writeOut: (text) => (help += text), getOutHasColors: () => false })
  command.outputHelp()
  return help
}
