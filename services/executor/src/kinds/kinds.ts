/** Every kind of action that this executor knows. */
import { nearest } from '@deed/config/nearest'
import { validate } from '@deed/mesh/validate'
import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import type { Observation } from '@deed/proto/observation'
import { codeGenerate } from './code-generate.ts'
import { commandRun } from './command-run.ts'
import { dirCreate } from './dir-create.ts'
import { fileDelete } from './file-delete.ts'
import { fileMove } from './file-move.ts'
import { filePatch } from './file-patch.ts'
import { fileWrite } from './file-write.ts'
import { gitApply } from './git-apply.ts'
import { gitBranch } from './git-branch.ts'
import { gitCommit } from './git-commit.ts'
import { httpRequest } from './http-request.ts'
import type { Before, Kind, World } from './kind.ts'
import { kubernetesRollout } from './kubernetes-rollout.ts'
import { kubernetesScale } from './kubernetes-scale.ts'
import { mcpCall } from './mcp-call.ts'
import { natsPublish } from './nats-publish.ts'
import { natsRequest } from './nats-request.ts'
import { providedKind } from './provided-kind.ts'
import { serviceRestart, serviceStart, serviceStatus, serviceStop } from './service-kinds.ts'
import { sqlExecute } from './sql-execute.ts'
import { sqlQuery } from './sql-query.ts'
import { testRun } from './test-run.ts'
import { waitUntil } from './wait-until.ts'

export const KINDS: ReadonlyMap<string, Kind> = new Map(
  [
    fileWrite,
    filePatch,
    fileMove,
    fileDelete,
    dirCreate,
    codeGenerate,
    commandRun,
    serviceStart,
    serviceStop,
    serviceRestart,
    serviceStatus,
    kubernetesScale,
    kubernetesRollout,
    httpRequest,
    sqlQuery,
    sqlExecute,
    gitBranch,
    gitCommit,
    gitApply,
    testRun,
    waitUntil,
    natsRequest,
    natsPublish,
    mcpCall,
  ].map((kind) => [kind.name, kind as Kind]),
)

/**
 * @param planned whether somebody has answered for the kind before, so that nobody answering now will pass
 * @throws {DeedError} `unknown_kind`; `unknown_kind_version`, which passes when the newer executor or provider is up
 */
export async function kindOf(action: Action, { mesh }: Pick<World, 'mesh'>, planned: boolean): Promise<Kind> {
  const { kind: name, kind_version } = action
  const kind = KINDS.get(name)
  if (!kind) {
    try {
      if (mesh) return (await providedKind(action, mesh)) as Kind
    } catch (error) {
      if (!(error instanceof DeedError) || error.code !== 'unavailable' || planned) throw error
    }
    const meant = nearest(name, KINDS.keys())
    throw new DeedError('unknown_kind', `no kind ${name}${meant === undefined ? '' : `; did you mean "${meant}"?`}`)
  }
  if (kind.version !== kind_version)
    throw new DeedError('unknown_kind_version', `${name} is known here in version ${kind.version}, not ${kind_version}`)
  return kind
}

/** @throws {DeedError} that names the argument to change */
export function inputOf(kind: Kind, action: Action): JsonObject {
  try {
    return validate(kind.input, action.input)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    throw new DeedError(error.code, `${kind.name}: ${error.message}`, { path: error.path?.replace('$', '$.input') })
  }
}

/** What must hold afterwards: what the kind observes, and what the action asks for besides. */
export function postconditionOf(kind: Kind, action: Action, input: JsonObject, before: Before): Observation {
  const own = kind.postcondition(input, before, action)
  return action.verify === undefined || kind.takesVerify ? own : { kind: 'all', of: [own, action.verify] }
}
