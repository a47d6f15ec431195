/** The reference of execution.yaml, made from its schema. */
import { API_PROVIDERS, keyVariable } from '@deed/config/api-providers'
import { ExecutionConfig } from '@deed/config/execution-config'
import { z } from 'zod'
import { code, table } from './table.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema
type Row = [key: string, type: string, fallback: string, description: string]

const HEADINGS = ['key', 'value', 'default', 'for']

const INTRODUCTION = `# Configuration

\`execution.yaml\` says what Deed knows about the world, and how it runs. Deed touches nothing that is not named there. Every
key may be left out. \`deed init\` writes a file to begin with, and \`deploy/execution.example.yaml\` shows every key in use.

Paths are relative to the folder of the file. Secrets are never in it: a key that ends in \`_env\` names the environment
variable that holds the value. A value that cannot be used stops the start, and the message names the key and its line. After
a change: \`deed down\`, then \`deed up\`.

\`\`\`yaml execution.yaml
workspaces:
  app: { root: ./workspace }
targets:
  billing:
    type: process
    command: [node, billing.mjs]
    health: { url: "http://127.0.0.1:8088/health" }
    environment: development
  inventory:
    type: sql
    url_env: INVENTORY_URL
    entities:
      assets: { table: assets, label_column: type, name_column: name, singular: asset }
\`\`\`

With it, \`deed run "Restart service billing"\` and \`deed run "How many assets do we have?"\` work.

## Environment variables

${table(
  ['variable', 'for'],
  [
    ['`DEED_CONFIG`', 'path of `execution.yaml`; default: that of this folder, or of the nearest one above'],
    ['`DEED_DATA_DIR`', 'data, passwords and logs; default: `.deed` beside `execution.yaml`'],
    [
      '`DEED_THINKERS`',
      '`apart` gives each of the four thinking services a process of its own; default: `together`, which takes less memory',
    ],
    ['`NATS_URL`, `NATS_USER`, `NATS_PASSWORD`', 'a NATS server (2.14 or newer) to use instead of starting one'],
    [
      '`NATS_NKEY_FILE`, `NATS_CA_FILE`, `NATS_CERT_FILE`, `NATS_KEY_FILE`',
      'the seed of an nkey and certificates: nats.md, Identities and encryption',
    ],
    ['`DATABASE_URL`', 'a PostgreSQL (15 or newer) to use instead of starting one'],
    ['`DEED_NATS_MONITORING_URL`', 'monitoring port of a NATS server elsewhere, for `deed doctor`'],
    ['`NATS_SERVER_BIN`', 'a nats-server program to start'],
    ['`OLLAMA_HOST`', 'where local models answer; without it, rules alone solve tasks'],
    [
      API_PROVIDERS.map((provider) => `\`${keyVariable(provider)}\``).join(', '),
      'keys of API providers; with `_FILE` appended, the name of a file that holds the key',
    ],
    ['`RULES_DIR`, `METHODS_DIR`, `TEMPLATES_DIR`', 'folders with your own rule packs, methods and templates'],
    ['`DEED_POLICY`', 'your own policy for approvals'],
    [
      '`METRICS_PORT`, `METRICS_HOST`',
      'where services answer Prometheus, see [metrics.md](metrics.md); on 127.0.0.1 unless you say otherwise',
    ],
    [
      '`OTEL_EXPORTER_OTLP_ENDPOINT`',
      'where traces go; other variables of OpenTelemetry apply: [tracing.md](tracing.md)',
    ],
    ['`JAEGER_URL`', 'the page of a Jaeger, for the link that `deed trace` prints'],
    ['`LOG_LEVEL`, `NO_COLOR`', 'as in other programs'],
  ],
)}

[SECURITY.md](../SECURITY.md#environment-of-each-process) says which service gets which variable.`

export function configurationPage(): string {
  const root = z.toJSONSchema(ExecutionConfig, { io: 'input', unrepresentable: 'any' })
  const parts = Object.entries(root.properties ?? {}).flatMap(([key, schema]) => sectionOf(key, schema as JsonSchema))
  return `${[INTRODUCTION, ...parts].join('\n\n')}\n`
}

function sectionOf(name: string, schema: JsonSchema): string[] {
  const { description } = schema
  const each = schema.additionalProperties as JsonSchema | undefined
  const kinds = each?.oneOf as JsonSchema[] | undefined
  const text = description === undefined ? [] : [description]
  if (kinds) {
    return [
      `## ${name}`,
      ...text,
      ...kinds.flatMap((kind) => {
        const { type, ...others } = kind.properties as Record<string, JsonSchema>
        return [
          `### ${name}: ${String(type?.const)}`,
          `Keys of \`${name}.<name>\` with \`type: ${String(type?.const)}\`:`,
          table(HEADINGS, rowsOf({ ...kind, properties: others }, '')),
        ]
      }),
    ]
  }
  if (each) return [`## ${name}`, ...text, table(HEADINGS, rowsOf(each, `${name}.<name>`))]
  if (schema.properties) return [`## ${name}`, ...text, table(HEADINGS, rowsOf(schema, name))]
  return [`## ${name}`, table(HEADINGS, [rowOf(schema, name)])]
}

/** A row for each value that the schema holds, at any depth. */
function rowsOf(schema: JsonSchema, path: string): Row[] {
  const required = schema.required ?? []
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const property = value as JsonSchema
    const at = path === '' ? key : `${path}.${key}`
    const own = rowOf(property, at, required.includes(key))
    return [...(own[3] !== '' || !inner(property) ? [own] : []), ...below(property, at)]
  })
}

const inner = ({ properties, additionalProperties, items }: JsonSchema): JsonSchema | undefined =>
  [{ properties }, additionalProperties, items].find((one) => (one as JsonSchema | undefined)?.properties) as
    | JsonSchema
    | undefined

function below(schema: JsonSchema, path: string): Row[] {
  const object = inner(schema)
  if (!object) return []
  const step = schema.properties ? '' : schema.items ? '[]' : '.<name>'
  return rowsOf({ ...(schema.properties ? schema : object) }, `${path}${step}`)
}

function rowOf(schema: JsonSchema, path: string, required = false): Row {
  return [code(path), typeOf(schema), fallbackOf(schema, required), schema.description ?? '']
}

function fallbackOf({ default: value, description = '' }: JsonSchema, required: boolean): string {
  if (required) return '**required**'
  // It says its default in the unit that people write.
  if (value === undefined || description.includes('Default: `')) return ''
  return code(JSON.stringify(value))
}

/** In words: `whole number, 1 to 100`. */
function typeOf(schema: JsonSchema): string {
  const { type, anyOf, items, minimum, maximum, exclusiveMinimum, additionalProperties } = schema
  if (schema.const !== undefined) return code(JSON.stringify(schema.const))
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ')
  if (anyOf) return [...new Set(anyOf.map((one) => typeOf(one as JsonSchema)))].join(' or ')
  if (type === 'array') return `list of ${typeOf(items as JsonSchema)}s`
  if (type === 'object') return additionalProperties && !schema.properties ? 'map' : 'object'
  if (type === 'boolean') return '`true` or `false`'
  if (type === 'integer' || type === 'number') {
    const low = minimum ?? (exclusiveMinimum === undefined ? undefined : `more than ${exclusiveMinimum}`)
    const range = [low, maximum].every((one) => one === undefined) ? '' : `, ${low} to ${maximum}`
    return `${type === 'integer' ? 'whole number' : 'number'}${range}`
  }
  return type === 'string' ? 'text' : 'any value'
}
