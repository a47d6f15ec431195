/**
 * The environment of each service: the variables that it reads, by name. So a secret in the user's shell reaches the
 * service that needs it, and no other.
 */
import { resolve } from 'node:path'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import type { ServiceName } from '@deed/proto/contract'

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
]
/** The standard variables of OpenTelemetry: each service exports its own spans. */
const TRACING = 'OTEL_'

/** Services that read execution.yaml. */
const CONFIGURED: ReadonlySet<ServiceName> = new Set(['orchestrator', 'hybrid-agent', 'executor', 'semantic-cache'])

const OF_SERVICE: Partial<Record<ServiceName, readonly string[]>> = {
  orchestrator: ['METRICS_HOST', 'METRICS_PORT', 'ORCHESTRATOR_LEASE_MS', 'ORCHESTRATOR_TENANTS'],
  'hybrid-agent': ['OLLAMA_HOST'],
  // In addition, the variables with which docker, kubectl and systemctl find their systems.
  executor: [
    ...['HOME', 'KUBECONFIG', 'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_CERT_PATH'],
    ...['DOCKER_TLS_VERIFY', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'CLOUDSDK_CONFIG', 'AWS_PROFILE'],
  ],
}

/** Variables with paths, relative to where the mesh is started; the services run in folders of their own. */
const PATHS_OF_SERVICE: Partial<Record<ServiceName, readonly string[]>> = {
  orchestrator: ['DEED_POLICY'],
  'hybrid-agent': ['RULES_DIR'],
  'template-optimizer': ['TEMPLATES_DIR'],
  executor: ['DEED_CONFINE'],
}

/**
 * @param shell the environment in which the mesh is started
 * @param configFile path of execution.yaml, which names further variables: of targets, secrets and webhooks
 */
export function serviceEnvironment(
  service: ServiceName,
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
    DEED_CONFIG: configFile === undefined || !CONFIGURED.has(service) ? undefined : resolve(configFile),
  })
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
