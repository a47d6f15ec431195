/** The `deed` command. */
import './terminal/reserve-output.ts'
import { dropClientVariables } from '@deed/local/client-environment'
import { CommanderError } from 'commander'
import { deedProgram } from './program.ts'
import { suggestionLines } from './show/suggestions.ts'
import { EXIT, errorDocument, exitCodeOf, UsageError } from './terminal/exit-code.ts'
import { endWithReader, openOutput } from './terminal/output.ts'
import { plainText } from './terminal/plain-text.ts'

endWithReader()

dropClientVariables()
// Of a `deed` that started this one on another Node; when it is gone, killed outright too, this one is asked to end.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()

const program = deedProgram()

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what is wrong itself, in words.
    if (error.exitCode !== 0 && process.argv.includes('--json')) {
      openOutput(true, process.env).document(errorDocument(new UsageError(error.message)))
    }
    process.exitCode = error.exitCode === 0 ? EXIT.success : EXIT.refused
  } else {
    const out = openOutput(program.opts<{ json?: boolean }>().json === true, process.env)
    const document = errorDocument(error)
    out.document(document)
    const { message, code } = document.error
    const path = 'path' in document.error ? ` (${document.error.path})` : ''
    out.note(out.paint('red', `${code}${path}: `) + plainText(message))
    if ('details' in document.error) for (const line of suggestionLines(document.error)) out.note(line)
    if (code === 'internal' && process.env.LOG_LEVEL === 'debug') console.error(error)
    process.exitCode = exitCodeOf(error)
    // Whatever still holds the process has nothing left to do.
    process.exit()
  }
}
