/**
 * The process of the refactoring engine: one request on standard input, one reply on standard output. It computes and
 * changes nothing; Node lets it neither write files nor start programs.
 */
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { EngineReply, EngineRequest, RefactorInput } from '../refactoring.ts'
import { changeSignature } from './change-signature.ts'
import { extractFunction } from './extract-function.ts'
import { moveFile } from './move-file.ts'
import { moveSymbol } from './move-symbol.ts'
import { newFaults } from './new-faults.ts'
import { openProject, type Project } from './project.ts'
import { Refused } from './refused.ts'
import { rename } from './rename.ts'

const request = JSON.parse(await text(process.stdin)) as EngineRequest
process.stdout.write(JSON.stringify(await reply(request)))

async function reply({ root, files, refactoring }: EngineRequest): Promise<EngineReply> {
  try {
    const project = openProject(root, files, refactoring.path)
    const places = await change(project, refactoring)
    const changed = project.changed()
    if (Object.keys(changed).length === 0)
      throw new Refused('precondition_failed', 'nothing would change: it is so already')
    const faults = newFaults(project, changed)
    if (faults.length > 0)
      throw new Refused('precondition_failed', `it would not compile any more: ${faults.join('; ')}`)
    return { files: changed, places }
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message, code: error.code }
    throw error
  }
}

async function change(project: Project, input: RefactorInput): Promise<number> {
  const path = join(project.root, input.path)
  switch (input.operation) {
    case 'rename':
      return rename(project, path, input.symbol, input.to, input.line)
    case 'move_file':
      return moveFile(project, path, join(project.root, input.to))
    case 'move_symbol':
      return moveSymbol(project, path, input.symbol, join(project.root, input.to), input.line)
    case 'extract_function':
      return extractFunction(project, path, input.from_line, input.to_line, input.name)
    case 'change_signature':
      return changeSignature(project, path, input.symbol, input.parameters, input.line)
    case 'rewrite_pattern': {
      // Native code, which no other operation needs.
      const { rewritePattern } = await import('./rewrite-pattern.ts')
      return rewritePattern(project, path, input.pattern, input.rewrite)
    }
  }
}
