/** A workflow from its file: whatever is wrong with it is reported with file and line. */
import { faultLines, IN_SENTENCES } from '@deed/config/fault-sentence'
import { nearest } from '@deed/config/nearest'
import { checkGraph } from '@deed/proto/check-graph'
import { DECISION_TYPES } from '@deed/proto/decision'
import { DECISION_TASK } from '@deed/proto/decision-task'
import { DeedError } from '@deed/proto/errors'
import { Json } from '@deed/proto/json'
import { factsOf, KINDS } from '@deed/proto/kinds'
import { Manifest, type ManifestTask } from '@deed/proto/manifest'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { ParameterName } from '@deed/proto/workflow'
import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { placeholdersIn } from './fill-in.ts'

const Workflow = z.strictObject({
  about: z.string().min(1).max(1_024),
  parameters: z
    .record(ParameterName, z.strictObject({ about: z.string().min(1).max(512), default: Json.optional() }))
    .default({}),
  workspace: Manifest.shape.workspace,
  defaults: Manifest.shape.defaults,
  tasks: Manifest.shape.tasks,
})
export type Workflow = z.output<typeof Workflow>

export interface WorkflowFile {
  /** Undefined: it is not one. */
  readonly workflow: Workflow | undefined
  /** Each begins with file and line. */
  readonly faults: readonly string[]
  /** `file:line` of a path such as `$.tasks[1].action`, or of its nearest part that the file has. */
  place(path: string): string
}

type Path = readonly PropertyKey[]

/** @param file as it is named in faults */
export function readWorkflow(text: string, file: string, { provided }: { provided: readonly string[] }): WorkflowFile {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    ...{ version: '1.2', schema: 'core', merge: false, uniqueKeys: true, lineCounter: lines, prettyErrors: false },
  })
  const at = (path: Path): string => `${file}:${lines.linePos(offsetOf(document, path)).line}`
  const place = (path: string): string => at(stepsOf(path))
  const [broken] = [...document.errors, ...document.warnings]
  if (broken) {
    const faults = [`${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message}`]
    return { workflow: undefined, faults, place }
  }
  const { data, error } = Workflow.safeParse(document.toJS({ maxAliasCount: 50 }), IN_SENTENCES)
  if (error) {
    const said = faultLines(error)
    const faults = error.issues.map(({ path }, index) => `${at(path)}: ${said[index]}`)
    return { workflow: undefined, faults, place }
  }
  const faults = faultsOf(data, provided).map(([path, message]) => `${at(path)}: ${message}`)
  return { workflow: data, faults, place }
}

function faultsOf({ parameters, tasks }: Workflow, provided: readonly string[]): [path: Path, message: string][] {
  const known = Object.keys(parameters)
  return [
    ...graphFaults(tasks),
    ...tasks.flatMap((task, index): [Path, string][] => [
      ...placeholdersIn(task as Json)
        .filter((name) => !known.includes(name))
        .map((name): [Path, string] => [['tasks', index], unknown('parameter', name, known)]),
      ...actionFaults(task, provided).map(([path, message]): [Path, string] => [
        ['tasks', index, 'action', ...path],
        message,
      ]),
    ]),
  ]
}

function graphFaults(tasks: readonly ManifestTask[]): [Path, string][] {
  try {
    checkGraph(tasks)
    return []
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    return [[stepsOf((error.path ?? '$').replace('$.manifest', '$')), error.message]]
  }
}

function actionFaults({ action, depends_on }: ManifestTask, provided: readonly string[]): [Path, string][] {
  if (!action) return []
  const { kind, input } = action
  if (factsOf(kind) === undefined && !provided.includes(kind))
    return [[['kind'], unknown('kind', kind, [...Object.keys(KINDS), ...provided])]]
  if (kind !== DECISION_TASK) return []
  const among = (field: string, what: string, names: readonly string[]): [Path, string][] => {
    const given = input[field]
    if (typeof given !== 'string' || given.includes('{{') || names.includes(given)) return []
    return [[['input', field], unknown(what, given, names)]]
  }
  return [
    ...among('by', 'role', ORGANIZATION_ROLES),
    ...among('type', 'type of decision', DECISION_TYPES),
    ...shownFaults(input.shown_by, depends_on),
  ]
}

function shownFaults(shown: Json | undefined, before: readonly string[]): [Path, string][] {
  const named = typeof shown === 'object' && shown !== null ? Object.values(shown).flat() : []
  const strange = named.find((name) => typeof name === 'string' && !before.includes(name))
  if (strange === undefined) return []
  return [[['input', 'shown_by'], `the task does not depend on ${JSON.stringify(strange)}, so it cannot show anything`]]
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  const list = known.length === 0 ? 'there is none' : `known are ${known.join(', ')}`
  return `unknown ${what} ${JSON.stringify(name)}; ${meant === undefined ? list : `did you mean ${JSON.stringify(meant)}? ${list}`}`
}

/** Of the innermost part that the file has. */
function offsetOf(document: Document, path: Path): number {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

const stepsOf = (path: string): (string | number)[] =>
  [...path.matchAll(/\[(\d+)\]|\.([^.[]+)/g)].map(([, index, key]) => (index ? Number(index) : (key ?? '')))
