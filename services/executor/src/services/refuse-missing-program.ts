/** Finds, without starting anything, that a service of type `process` can never be started. */
import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DeedError } from '@deed/proto/errors'
import { PROCESS_PATH, type ProcessTarget } from './supervised-process.ts'

/** @throws {DeedError} `effect_failed` */
export function refuseMissingProgram(name: string, { command: [program = ''], cwd }: ProcessTarget): void {
  const refuse = (why: string): never => {
    throw new DeedError('effect_failed', `${name} cannot be started: ${why}; change its target in execution.yaml`)
  }
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) refuse(`there is no folder ${cwd}`)
  if (program === 'node') return
  const places = program.includes('/') ? [resolve(cwd, program)] : PROCESS_PATH.map((folder) => `${folder}/${program}`)
  if (!places.some(isProgram)) refuse(`there is no program ${program}`)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
