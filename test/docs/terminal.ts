/** Draws docs/terminal.svg: a terminal in which `deed` really runs, on a mesh of its own. `node test/docs/terminal.ts` */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { deedProject } from './deed-project.ts'
import { session, terminalPicture } from './terminal-picture.ts'

const FILE = resolve(import.meta.dirname, '../../docs/terminal.svg')
/** Each with how many lines of it are shown; three dots say that there are more. */
const COMMANDS: readonly (readonly [command: string, lines: number])[] = [
  [`deed run 'write "hello" to notes.txt'`, 8],
  [`deed run --yes 'write "goodbye" to notes.txt'`, 20],
  ['deed rollback --last', 6],
]

using project = deedProject()
project.run('deed init && deed up --detach')
const lines = COMMANDS.flatMap(([command, max]) => [...session(command, project.run(command), max), ''])
const title = 'deed in a terminal: a file is written and verified, a change is approved, and undone'
writeFileSync(FILE, terminalPicture(lines.slice(0, -1), { title, madeBy: 'node test/docs/terminal.ts' }))
