/** What a refactoring changes in a workspace: asked of the engine, checked against what may be changed here. */
import { DeedError } from '@deed/proto/errors'
import { atRoot, type FileChanges, madeNow } from '../files/file-changes.ts'
import { isIgnored } from '../files/ignored.ts'
import { type FileContent, readRegularFile } from '../files/regular-file.ts'
import { walkFiles } from '../files/walk-files.ts'
import type { Context } from '../kind/kind.ts'
import { refuseProtected, segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { askEngine } from './engine-process.ts'
import { type RefactorInput, SOURCE_ENDINGS } from './refactoring.ts'

const FILES_MAX = 20_000
const MODE_DEFAULT = 0o644

interface PlannedChanges {
  readonly files: FileChanges
  readonly places: number
}

/** @throws {DeedError} as `askEngine`; `limit_exceeded`, `protected_path`, `path_outside_workspace` */
export async function planRefactoring(input: RefactorInput, context: Context): Promise<PlannedChanges> {
  const { workspace, world, signal } = context
  const below = (path: string) => segmentsOf(workspace, path).join('/')
  const moves = input.operation === 'move_file' || input.operation === 'move_symbol'
  const refactoring = { ...input, path: below(input.path), ...(moves ? { to: below(input.to) } : {}) } as RefactorInput
  if (moves && !SOURCE_ENDINGS.test(input.to))
    throw new DeedError('invalid_request', `${input.to} is no name of a TypeScript or JavaScript file`, {
      path: '$.input.to',
    })
  const root = workspace.root
  const { files, places } = await askEngine({ root, refactoring, files: await sourceFiles(workspace, signal) }, signal)
  const content = (path: string) => readRegularFile(atRoot(context), path.split('/'))
  const source = refactoring.operation === 'move_file' ? content(refactoring.path) : undefined
  const changes = Object.entries(files).map(([path, text]) => {
    refuseProtected(atRoot(context), segmentsOf(atRoot(context), path), world.protectedFiles)
    const old = content(path)
    return [path, { old, fresh: text === null ? undefined : withText(text, old ?? source) }] as const
  })
  return { files: new Map(changes), places }
}

const withText = (text: string, like: FileContent | undefined): FileContent => ({
  ...(like ?? { ...madeNow(), mode: MODE_DEFAULT }),
  bytes: Buffer.from(text),
})

async function sourceFiles(workspace: Workspace, signal: AbortSignal): Promise<string[]> {
  const files: string[] = []
  for await (const { segments, type } of walkFiles({ root: workspace.root, base: [] }, [], true, signal)) {
    const path = segments.join('/')
    if (type !== 'file' || !SOURCE_ENDINGS.test(path) || isIgnored(workspace.ignore ?? [], path)) continue
    files.push(path)
    if (files.length > FILES_MAX)
      throw new DeedError('limit_exceeded', `the workspace has more than ${FILES_MAX} source files; name a smaller one`)
  }
  return files
}
