/** Checks that the environment variables that execution.yaml names are set. */
import { ConfigError } from './config-error.ts'
import type { ExecutionConfig } from './execution-config.ts'

/**
 * Runs at the start of a mesh, which passes the variables to its services.
 *
 * @throws {ConfigError} that names each unset variable of a target, a webhook or a secret, with its key
 */
export function requireVariables(config: ExecutionConfig, env: Record<string, string | undefined>): void {
  const missing = namedVariables(config).flatMap(([key, variable]) =>
    variable && !env[variable] ? [`${key}: ${variable} is not set`] : [],
  )
  if (missing.length > 0)
    throw new ConfigError(
      `execution.yaml names environment variables that are not set; set them, or remove the keys\n  ${missing.join('\n  ')}`,
    )
}

function namedVariables({ targets, alerts, secrets }: ExecutionConfig): [key: string, variable: string | undefined][] {
  return [
    ...Object.entries(targets).flatMap(([name, target]): [string, string | undefined][] =>
      'url_env' in target ? [[`targets.${name}.url_env`, target.url_env]] : [],
    ),
    ...alerts.webhooks.flatMap(({ url_env, secret_env }, index): [string, string | undefined][] => [
      [`alerts.webhooks.${index}.url_env`, url_env],
      [`alerts.webhooks.${index}.secret_env`, secret_env],
    ]),
    ...Object.entries(secrets).map(([name, { env }]): [string, string] => [`secrets.${name}.env`, env]),
  ]
}
