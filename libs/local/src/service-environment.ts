/**
 * The environment of each service: the variables that it reads, by name. So a secret in the user's shell reaches the
 * service that needs it, and no other.
 */
import { resolve } from 'node:path'
import { API_PROVIDERS, keyVariable } from '@deed/config/api-providers'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { SERVICES, type ServiceName } from '@deed/proto/contract'

/** What a mesh starts as processes: its services, and what serves MCP, which is in no service's way when it is away. */
export type Started = ServiceName | 'mcp'

export type Variables = Readonly<Record<string, string | undefined>>

const EVERY_SERVICE = [
  'PATH',
  'LANG',
  'TMPDIR',
  'TZ',
  'SystemRoot',
  'LOG_LEVEL',
  'NO_COLOR',
  'DEED_TEST',
  'DEED_CRASH_AT',
  'DEED_REVISION',
  'METRICS_HOST',
]
/** The standard variables of OpenTelemetry: each service exports its own spans. */
const TRACING = 'OTEL_'

/** Services that read execution.yaml. */
export const CONFIGURED: ReadonlySet<Started> = new Set([
  'orchestrator',
  'hybrid-agent',
  'executor',
  'semantic-cache',
  'console',
  'mcp',
])

const OF_SERVICE: Partial<Record<Started, readonly string[]>> = {
  orchestrator: ['ORCHESTRATOR_LEASE_MS', 'ORCHESTRATOR_TENANTS'],
  'hybrid-agent': ['OLLAMA_HOST', ...API_PROVIDERS.map(keyVariable)],
  // In addition, the variables with which docker, kubectl and systemctl find their systems.
  executor: [
    ...['HOME', 'KUBECONFIG', 'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_CERT_PATH'],
    ...['DOCKER_TLS_VERIFY', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'CLOUDSDK_CONFIG', 'AWS_PROFILE'],
  ],
}

/** Variables with paths, relative to where the mesh is started; the services run in folders of their own. */
const PATHS_OF_SERVICE: Partial<Record<Started, readonly string[]>> = {
  orchestrator: ['DEED_POLICY'],
  'task-decomposer': ['METHODS_DIR'],
  'hybrid-agent': ['RULES_DIR', ...API_PROVIDERS.map((provider) => `${keyVariable(provider)}_FILE`)],
  'template-optimizer': ['TEMPLATES_DIR'],
  organization: ['DEED_AUTHORITY'],
  executor: ['DEED_CONFINE'],
}

/** The variables that are for this service alone, besides those that execution.yaml names. */
export const variablesFor = (service: ServiceName): string[] => [
  ...(OF_SERVICE[service] ?? []),
  ...(PATHS_OF_SERVICE[service] ?? []),
]

/**
 * @param shell the environment in which the mesh is started
 * @param configFile path of execution.yaml, which names further variables: of targets, secrets and webhooks
 */
export function serviceEnvironment(
  service: Started,
  shell: Variables,
  configFile: string | undefined,
): Record<string, string> {
  const config = readExecutionConfig(configFile)
  const names = [
    ...EVERY_SERVICE,
    ...Object.keys(shell).filter((name) => name.startsWith(TRACING)),
    ...(OF_SERVICE[service] ?? []),
    ...(service === 'executor' ? [...variablesOfSecrets(config), ...variablesOfTargets(config)] : []),
    // It refuses requests that contain the value of a secret, so it must know the values.
    ...(service === 'orchestrator' ? [...variablesOfSecrets(config), ...variablesOfWebhooks(config)] : []),
  ]
  return defined({
    ...Object.fromEntries(names.map((name) => [name, shell[name]])),
    ...Object.fromEntries(
      (PATHS_OF_SERVICE[service] ?? []).map((name) => [name, shell[name] ? resolve(shell[name]) : undefined]),
    ),
    METRICS_PORT: metricsPort(service, shell, config),
    DEED_CONFIG: configFile === undefined || !CONFIGURED.has(service) ? undefined : resolve(configFile),
  })
}

/**
 * Where a service answers Prometheus: the orchestrator at the given port, the others at the next ones, in their order.
 * 0 is any free port for each. The orchestrator reads that of the file itself.
 */
function metricsPort(service: Started, shell: Variables, { observability }: ExecutionConfig): string | undefined {
  if (service === 'mcp') return undefined
  if (service === 'orchestrator') return shell.METRICS_PORT || undefined
  const first = shell.METRICS_PORT || observability.metrics_port
  if (first === undefined) return undefined
  return String(Number(first) === 0 ? 0 : Number(first) + SERVICES.indexOf(service))
}

const variablesOfSecrets = ({ secrets }: ExecutionConfig): string[] => Object.values(secrets).map(({ env }) => env)

const variablesOfTargets = ({ targets }: ExecutionConfig): string[] =>
  Object.values(targets).flatMap((target) => ('url_env' in target && target.url_env ? [target.url_env] : []))

const variablesOfWebhooks = ({ alerts }: ExecutionConfig): string[] =>
  alerts.webhooks.flatMap(({ url_env, secret_env }) => [url_env, secret_env]).filter((name) => name !== undefined)

/** Without the values that are not set. */
export function defined(values: Variables): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<string, string>
}
