/** Validates a request before it becomes an execution. A refused request gets an error, and nothing is stored. */
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
import { keptTarget } from './keep-words.ts'

// Spaces, control characters, and invisible characters: zero-width characters and direction marks.
const INVISIBLE = /^[\s\p{Cc}\p{Cf}\p{Zs}]*$/u

/** A request as received; a manifest from the object store has been inserted. */
export type RawRequest = Omit<ExecutionRequest, 'task'> & { task?: string | undefined }

/**
 * @param options.at its path in the message
 * @param options.permanent whether it may be a state to keep, which has no end
 * @returns the normalised request
 * @throws {DeedError} that says what to change
 */
export function admitRequest(
  config: ExecutionConfig,
  asked: RawRequest,
  { at = '$', permanent = false }: { at?: string; permanent?: boolean } = {},
): ExecutionRequest {
  const request = asked.manifest
    ? admitManifest(config, asked, asked.manifest, `${at}.manifest`)
    : { ...asked, task: asked.task ?? '' }
  if (INVISIBLE.test(request.task)) {
    throw new DeedError('empty_task', 'task is empty; describe the task in plain words', { path: `${at}.task` })
  }
  if (!permanent) refuseEndless(config, request.task, `${at}.task`)
  const { workspace, target_file: targetFile } = request.context ?? {}
  if (workspace !== undefined) admitWorkspace(config, workspace, `${at}.context.workspace`)
  if (targetFile !== undefined) admitTargetFile(targetFile, `${at}.context.target_file`)
  refuseSecrets(config, request)
  return request
}

function refuseEndless({ targets }: ExecutionConfig, task: string, path: string): void {
  const kept = keptTarget(task, Object.keys(targets))
  if (kept === undefined) return
  throw new DeedError(
    'standing_goal',
    `keeping ${kept} running has no end, so it is a goal: use goal.put, or deed goal put <name> "${task.trim()}"`,
    { path },
  )
}

/** A request is stored, shown and sent to models, so it must refer to a secret by name and never contain it. */
export function refuseSecrets({ secrets }: ExecutionConfig, request: object): void {
  if (Object.keys(secrets).length > 0 && holdsSecret(JSON.stringify(request)))
    throw new DeedError(
      'invalid_request',
      'the request contains the value of a secret of execution.yaml; refer to it by name, as in {{secret.<name>}}',
    )
}

function admitManifest(config: ExecutionConfig, asked: RawRequest, manifest: Manifest, at: string): ExecutionRequest {
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

/** Criteria help to find actions: a task with given actions would ignore them. */
function refuseIdleCriteria(asked: RawRequest, { tasks, defaults }: Manifest, at: string): void {
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
    'acceptance criteria are for tasks in words; to verify an action, use verify with an observation such as {"kind": "file", "path": "a.txt", "contains": "done"}',
    { path },
  )
}

function admitWorkspace(config: ExecutionConfig, workspace: string, path: string): void {
  if (workspace in config.workspaces) return
  if (!isAbsolute(workspace)) {
    // A relative path is not a name, and has no base.
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
    // Not percent-encoded.
  }
  const steps = decoded.split(/[\\/]/)
  if (isAbsolute(decoded) || decoded.startsWith('\\') || /^[a-z][a-z0-9+.-]*:/i.test(decoded) || steps.includes('..')) {
    throw outside(path, file)
  }
  if (decoded.includes('\0'))
    throw new DeedError('invalid_request', 'a path must not contain a NUL character; remove it', { path })
  const step = steps.find(isProtectedName)
  if (step !== undefined) {
    throw new DeedError('protected_path', `"${step}" is protected; choose another path`, { path })
  }
}

const outside = (path: string, given: string): DeedError =>
  new DeedError(
    'path_outside_workspace',
    `"${given}" is not inside a workspace; name a workspace of execution.yaml, and a file relative to it`,
    { path },
  )
