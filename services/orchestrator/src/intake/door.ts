/**
 * What a request must be before it becomes an execution. Refused here means: an error, and nothing
 * stored.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import { isProtectedName } from '@deed/config/protected-names'
import { checkGraph } from '@deed/proto/check-graph'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'
import type { Manifest } from '@deed/proto/manifest'
import { holdsSecret } from '@deed/telemetry/redact'
import { keptTarget } from '../goals/keep-words.ts'

// Spaces, controls, and what shows nothing: zero-width characters and direction marks.
const INVISIBLE = /^[\s\p{Cc}\p{Cf}\p{Zs}]*$/u

/** A request as it came in; a manifest that lay in the object store is in its place. */
export type Asked = Omit<ExecutionRequest, 'task'> & { task?: string | undefined }

/**
 * @param options.at where in the message it stands
 * @param options.standing whether it may be something to keep so, which has no end
 * @returns the request as it is taken in
 * @throws {DeedError} that says what to change
 */
export function admitRequest(
  config: ExecutionConfig,
  asked: Asked,
  { at = '$', standing = false }: { at?: string; standing?: boolean } = {},
): ExecutionRequest {
  const request = asked.manifest
    ? admitManifest(config, asked, asked.manifest, `${at}.manifest`)
    : { ...asked, task: asked.task ?? '' }
  if (INVISIBLE.test(request.task)) {
    throw new DeedError('empty_task', 'task is empty; say in plain words what is to be done', { path: `${at}.task` })
  }
  if (!standing) refuseStanding(config, request.task, `${at}.task`)
  const { workspace, target_file: targetFile } = request.context ?? {}
  if (workspace !== undefined) admitWorkspace(config, workspace, `${at}.context.workspace`)
  if (targetFile !== undefined) admitTargetFile(targetFile, `${at}.context.target_file`)
  refuseSecrets(config, request)
  return request
}

function refuseStanding({ targets }: ExecutionConfig, task: string, path: string): void {
  const kept = keptTarget(task, Object.keys(targets))
  if (kept === undefined) return
  throw new DeedError(
    'standing_goal',
    `to keep ${kept} running has no end, so it is a goal: put it with goal.put, or deed goal put <name> "${task.trim()}"`,
    { path },
  )
}

/** What is asked for is stored, shown and told to models, so a secret is named in it and never said. */
export function refuseSecrets({ secrets }: ExecutionConfig, request: object): void {
  if (Object.keys(secrets).length > 0 && holdsSecret(JSON.stringify(request)))
    throw new DeedError(
      'invalid_request',
      'the request holds the value of a secret of execution.yaml; name the secret instead, as in {{secret.<name>}}',
    )
}

function admitManifest(config: ExecutionConfig, asked: Asked, manifest: Manifest, at: string): ExecutionRequest {
  checkGraph(manifest.tasks, `${at}.tasks`)
  if (manifest.workspace !== undefined) admitWorkspace(config, manifest.workspace, `${at}.workspace`)
  for (const [index, { action }] of manifest.tasks.entries()) {
    if (action?.workspace === undefined) continue
    admitWorkspace(config, action.workspace, `${at}.tasks[${index}].action.workspace`)
  }
  refuseIdleCriteria(asked, manifest, at)
  const workspace = asked.context?.workspace ?? manifest.workspace
  const request = { ...asked, task: `manifest ${manifest.name}` }
  return workspace === undefined ? request : { ...request, context: { ...(asked.context as JsonObject), workspace } }
}

/** Criteria are words for whoever finds the actions: where those are given, nobody would read them. */
function refuseIdleCriteria(asked: Asked, { tasks, defaults }: Manifest, at: string): void {
  const inWords = tasks.some(({ action }) => action === undefined)
  const task = tasks.findIndex(({ action, acceptance_criteria: own }) => action !== undefined && own !== undefined)
  const path =
    task >= 0
      ? `${at}.tasks[${task}].acceptance_criteria`
      : !inWords && defaults?.acceptance_criteria !== undefined
        ? `${at}.defaults.acceptance_criteria`
        : !inWords && asked.acceptance_criteria !== undefined
          ? '$.acceptance_criteria'
          : undefined
  if (path === undefined) return
  throw new DeedError(
    'invalid_request',
    'acceptance criteria are for tasks in words; what proves an action is its verify, an observation such as {"kind": "file", "path": "a.txt", "contains": "done"}',
    { path },
  )
}

function admitWorkspace(config: ExecutionConfig, workspace: string, path: string): void {
  if (workspace in config.workspaces) return
  if (!isAbsolute(workspace)) {
    // A relative path is no name, and there is nothing that it could be relative to.
    if (/[\\/]|^\.\.?$/.test(workspace)) throw outside(path, workspace)
    const guess = nearest(workspace, Object.keys(config.workspaces))
    throw new DeedError(
      'unknown_workspace',
      `there is no workspace "${workspace}"${guess === undefined ? '; execution.yaml names them' : `; did you mean "${guess}"?`}`,
      { path },
    )
  }
  if (workspace.split(sep).includes('..')) throw outside(path, workspace)
  const inside = Object.values(config.workspaces).some(({ root }) => isBelow(root, workspace))
  if (!inside) throw outside(path, workspace)
}

/** By segments, so that /srv/ws-evil is not below /srv/ws. */
function isBelow(root: string, path: string): boolean {
  const way = relative(resolve(root), resolve(path))
  return way === '' || (!isAbsolute(way) && way.split(sep)[0] !== '..')
}

function admitTargetFile(file: string, path: string): void {
  let decoded = file
  try {
    decoded = decodeURIComponent(file)
  } catch {
    // Not percent-encoded, then.
  }
  const steps = decoded.split(/[\\/]/)
  if (isAbsolute(decoded) || decoded.startsWith('\\') || /^[a-z][a-z0-9+.-]*:/i.test(decoded) || steps.includes('..')) {
    throw outside(path, file)
  }
  if (decoded.includes('\0')) throw new DeedError('invalid_request', 'a path cannot hold a NUL', { path })
  const step = steps.find(isProtectedName)
  if (step !== undefined) {
    throw new DeedError('protected_path', `"${step}" is protected; write somewhere else`, { path })
  }
}

const outside = (path: string, given: string): DeedError =>
  new DeedError(
    'path_outside_workspace',
    `"${given}" is not inside a workspace; name a workspace of execution.yaml, and a file relative to it`,
    { path },
  )
