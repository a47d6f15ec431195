/** deed init: an execution.yaml to begin with, in the current folder. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CONFIG_FILE } from '../connect/project.ts'
import { shellOf } from '../connect/shell.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { UsageError } from '../terminal/exit-code.ts'

const TEXT = `# What Deed knows about the world. What is not named here is not touched.
# Every key has a default; deploy/execution.example.yaml of Deed lists them all. \`deed doctor\` checks this file, and
# \`deed up\` reads it: after a change, \`deed down\` and \`deed up\` again.

# The folders that files are read from and written to, by name. Paths are relative to this file.
workspaces:
  main:
    root: .

# Programs that commands may start where this machine has no sandbox.
# commands:
#   allow: [ls, cat, node]

# What is acted upon, by name: processes, databases, HTTP services and more.
# targets:
#   api: # deed run "Restart service api"
#     type: process
#     command: [node, server.mjs]
#     health: { url: "http://127.0.0.1:8080/health" }
#     environment: development
#   inventory: # deed run "How many assets do we have?"
#     type: sql
#     url_env: INVENTORY_URL # the environment variable with the URL: it is a secret, so it is not written here
#     entities:
#       assets: { table: assets, label_column: type, name_column: name, singular: asset }

# What is done for certain words: steps that are written down.
# runbooks:
#   say-hello: # deed run "say hello"
#     steps:
#       - { name: write, kind: file.write, input: { path: hello.txt, content: hello } }
`

export function addInit(program: Command): void {
  program
    .command('init')
    .summary(`write an ${CONFIG_FILE} for the current folder`)
    .description(`Write an ${CONFIG_FILE}, with comments, that makes the current folder a workspace.`)
    .addHelpText('after', '\nExample:\n  deed init && deed up --detach')
    .action((_: object, command: Command) => {
      const { out } = shellOf(command)
      const file = resolve(CONFIG_FILE)
      try {
        writeFileSync(file, TEXT, { flag: 'wx' })
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
        throw new UsageError(`${file} is there already, and was not changed`, { cause })
      }
      out.document({ written: file })
      out.print(
        `wrote ${file}: this folder is its workspace. Next:
  ${deedCommand('up --detach')}
  ${deedCommand(`run 'write "hello" to hello.txt'`)}
  ${deedCommand('down')}
Passwords and data will lie in .deed here; do not put that folder into version control.`,
      )
    })
}
