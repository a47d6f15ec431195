/** The workflows that there are: those that Deed ships, and those of the folder that execution.yaml names. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import { validate } from '@deed/json/validate'
import { DECISION_TASK, DecisionTaskInput } from '@deed/proto/decision-task'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { Manifest } from '@deed/proto/manifest'
import { WorkflowName, type WorkflowRequest, type WorkflowView } from '@deed/proto/workflow'
import { fillIn } from './fill-in.ts'
import { readWorkflow, type WorkflowFile } from './read-workflow.ts'

const SHIPPED = join(import.meta.dirname, '../../workflows')
const ENDING = '.yaml'

export type WorkflowSources = Pick<ExecutionConfig, 'workflows' | 'provided_kinds'>

export function workflowViews(sources: WorkflowSources): WorkflowView[] {
  return [...filesOf(sources)].map(([name, path]) => {
    const { workflow, faults } = read(sources, path)
    const { about = '', parameters = {}, tasks = [] } = workflow ?? {}
    return {
      ...{ name, about, file: shown(path), faults: [...faults] },
      parameters: Object.entries(parameters).map(([parameter, { about: text, default: value }]) => ({
        ...{ name: parameter, about: text, required: value === undefined },
        ...(value === undefined ? {} : { default: value }),
      })),
      tasks: tasks.map(({ id, task, action, depends_on }) => ({ id, does: task ?? action?.kind ?? '', depends_on })),
    }
  })
}

/** @throws {DeedError} that names file and line, or the parameter */
export function manifestOf(sources: WorkflowSources, { name, set }: WorkflowRequest, at = '$.workflow'): Manifest {
  const files = filesOf(sources)
  const path = files.get(name)
  if (path === undefined) {
    const meant = nearest(name, files.keys())
    const hint = meant === undefined ? '' : `did you mean ${JSON.stringify(meant)}? `
    throw new DeedError(
      'not_found',
      `there is no workflow ${JSON.stringify(name)}; ${hint}known are ${[...files.keys()].join(', ')}`,
      {
        path: `${at}.name`,
      },
    )
  }
  const file = read(sources, path)
  const { workflow, faults } = file
  if (!workflow || faults.length > 0) throw new DeedError('invalid_manifest', faults.join('\n'), { path: at })
  const { parameters, about: _about, ...rest } = workflow
  const values = valuesOf(parameters, set, `${at}.set`)
  return checked({ ...(fillIn(rest as Json, values) as object), name }, file)
}

function valuesOf(
  parameters: NonNullable<WorkflowFile['workflow']>['parameters'],
  set: WorkflowRequest['set'],
  at: string,
): Record<string, Json> {
  const known = Object.keys(parameters)
  const strange = Object.keys(set).find((name) => !known.includes(name))
  if (strange !== undefined)
    throw new DeedError(
      'unknown_field',
      `there is no parameter ${JSON.stringify(strange)}; known are ${known.join(', ') || 'none'}`,
      {
        path: `${at}.${strange}`,
      },
    )
  const values: Record<string, Json> = {}
  for (const [name, { about, default: fallback }] of Object.entries(parameters)) {
    // A default may name parameters that come before it.
    const value = set[name] ?? (fallback === undefined ? undefined : fillIn(fallback, values))
    if (value === undefined)
      throw new DeedError('missing_field', `the parameter ${name} is missing: ${about}`, { path: `${at}.${name}` })
    values[name] = value
  }
  return values
}

/** A value may be none that its place can have. */
function checked(value: object, { place }: WorkflowFile): Manifest {
  try {
    const manifest = validate(Manifest, value)
    for (const [index, { action }] of manifest.tasks.entries()) {
      if (action?.kind === DECISION_TASK) refusedAt(`$.tasks[${index}].action.input`, DecisionTaskInput, action.input)
    }
    return manifest
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    const { path = '$' } = error
    throw new DeedError('invalid_manifest', `${place(path)}: ${error.message}`, {
      path: path.replace('$', '$.manifest'),
    })
  }
}

function refusedAt(at: string, schema: typeof DecisionTaskInput, value: unknown): void {
  try {
    validate(schema, value)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    throw DeedError.from({ ...error.body, path: (error.path ?? '$').replace('$', at) })
  }
}

/** By name; one of the folder takes the place of one that is shipped. */
function filesOf({ workflows: { folder } }: WorkflowSources): ReadonlyMap<string, string> {
  const found = [SHIPPED, ...(folder === undefined ? [] : [folder])].flatMap((one) =>
    namesIn(one).map((file): [string, string] => [basename(file, ENDING), join(one, file)]),
  )
  return new Map(found.toSorted(([one], [other]) => one.localeCompare(other)))
}

/** @throws {DeedError} for a folder that is not there */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(
      (file) => file.endsWith(ENDING) && WorkflowName.safeParse(basename(file, ENDING)).success,
    )
  } catch (cause) {
    throw new DeedError('not_found', `the folder of workflows ${folder} cannot be read`, { cause })
  }
}

const read = ({ provided_kinds: provided }: WorkflowSources, path: string): WorkflowFile =>
  readWorkflow(readFileSync(path, 'utf8'), shown(path), { provided })

/** With the folder, without what is above it. */
const shown = (path: string): string => path.split('/').slice(-2).join('/')
