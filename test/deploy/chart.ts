/** The chart, rendered by a real helm. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'

export const CHART = resolve(import.meta.dirname, '../../deploy/helm/deed')
/** The complete examples, by name. */
export const EXAMPLES = readdirSync(resolve(CHART, 'values')).map((file) => file.replace(/\.yaml$/, ''))

/** Why a program cannot be used, for the title of a test that is skipped. */
export const without = (program: string, ...args: string[]): string =>
  spawnSync(program, args).error ? ` (skipped: ${program} is not installed)` : ''
export const withoutHelm = without('helm', 'version')

const Environment = z
  .array(z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }))
  .default([])
const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  env: Environment,
  securityContext: z.unknown(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
})
const Pod = z.looseObject({
  containers: z.array(Container),
  initContainers: z.undefined().optional(),
  automountServiceAccountToken: z.literal(false),
  securityContext: z.unknown(),
  volumes: z.array(z.looseObject({ name: z.string() })),
})
export type Pod = z.output<typeof Pod>

const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.record(z.string(), z.unknown()).optional(),
  data: z.record(z.string(), z.string()).optional(),
})
export type KubernetesObject = z.output<typeof KubernetesObject>

const fileOf = (example: string): string => resolve(CHART, `values/${example}.yaml`)

/** @param more arguments of helm. @throws with what helm says */
export function renderedText(example: string, ...more: string[]): string {
  const args = ['template', 'deed', CHART, '--namespace', 'deed', '--values', fileOf(example), ...more]
  return execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

export function rendered(example: string): KubernetesObject[] {
  return parseAllDocuments(renderedText(example, '--api-versions', 'monitoring.coreos.com/v1'))
    .map((document) => document.toJS() as unknown)
    .filter((object) => object !== null)
    .map((object) => KubernetesObject.parse(object))
}

/** Of a Deployment, a StatefulSet or a Job, or a pod itself. */
export function podOf({ kind, spec }: KubernetesObject): Pod | undefined {
  if (kind === 'Pod') return Pod.parse(spec)
  const template = z.looseObject({ template: z.looseObject({ spec: z.unknown() }) }).safeParse(spec)
  return template.success ? Pod.parse(template.data.template.spec) : undefined
}

/** The defaults with an example over them, as helm merges them. */
export function valuesOf(example: string): unknown {
  const read = (file: string): unknown => parse(readFileSync(file, 'utf8'))
  return merged(read(resolve(CHART, 'values.yaml')), read(fileOf(example)))
}

function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over
  return {
    ...base,
    ...Object.fromEntries(
      Object.entries(over).map(([key, value]) => [key, key in base ? merged(base[key], value) : value]),
    ),
  }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
