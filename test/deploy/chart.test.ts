// The objects that helm renders, compared with what the code says of services, variables, users and tables.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { API_PROVIDERS, keyVariable } from '@deed/config/api-providers'
import { STORING } from '@deed/local/roles'
import { CONFIGURED, variablesFor } from '@deed/local/service-environment'
import { BusEnvironment } from '@deed/mesh/connection'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { SERVICES, type ServiceName } from '@deed/proto/contract'
import { CALLERS, MESH_USERS } from '@deed/proto/permissions'
import { DatabaseEnvironment } from '@deed/store/database'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { CHART, EXAMPLES, type KubernetesObject, podOf, rendered, renderedText, without, withoutHelm } from './chart.ts'

const withoutValidate = withoutHelm || without('kubectl-validate', '--help')

/** Variables that a service reads and the chart leaves to `services.<name>.env`. */
const LEFT_TO_VALUES = new Set([
  ...[
    'DEED_POLICY',
    'DEED_AUTHORITY',
    'RULES_DIR',
    'TEMPLATES_DIR',
    'METHODS_DIR',
    'ORCHESTRATOR_LEASE_MS',
    'OLLAMA_HOST',
    'DEED_REVISION',
  ],
  ...['KUBECONFIG', 'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY'],
  ...['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'CLOUDSDK_CONFIG', 'AWS_PROFILE'],
  // An nkey instead of a password, one URL instead of host and port, certificates where the values name Secrets.
  ...['NATS_HOST', 'NATS_PORT', 'NATS_USER', 'NATS_PASSWORD', 'NATS_SERVER_NAME'],
  ...['NATS_CA_FILE', 'NATS_CERT_FILE', 'NATS_KEY_FILE'],
  // Files of Secrets, for the providers that the values name.
  ...API_PROVIDERS.map(keyVariable).flatMap((name) => [name, `${name}_FILE`]),
  // The Job alone may change tables.
  'DATABASE_OWNER_URL',
])
const OF_NODE = ['NODE_COMPILE_CACHE', 'HOME']

const isStoring = (service: ServiceName): boolean => STORING.some((storing) => storing === service)
const known = (service: ServiceName): string[] => [
  ...[...Object.keys(BusEnvironment), ...Object.keys(MetricsEnvironment), ...variablesFor(service)],
  ...(isStoring(service) ? Object.keys(DatabaseEnvironment) : []),
  ...(CONFIGURED.has(service) ? ['DEED_CONFIG'] : []),
  ...['DEED_DATA', ...(service === 'console' ? ['CONSOLE_PORT'] : [])],
]

describe.skipIf(withoutHelm).each(EXAMPLES)(`the chart with the values of %s${withoutHelm}`, (example) => {
  let objects: KubernetesObject[]
  beforeAll(() => {
    objects = rendered(example)
  })
  const named = (kind: string, name: string) =>
    objects.find((one) => one.kind === kind && one.metadata.name === `deed-${name}`)
  const pods = () => objects.flatMap((one) => podOf(one) ?? [])

  it('renders to the same bytes each time', () => expect(renderedText(example)).toBe(renderedText(example)))

  it.each(SERVICES)('gives %s the variables that it reads, and no others', (service) => {
    const [container] = podOf(named('Deployment', service)!)!.containers
    expect(container?.args).toEqual([`services/${service}/src/main.ts`])
    const given = container!.env.map(({ name }) => name)
    const read = known(service)
    const unknown = given.filter((name) => ![...read, ...OF_NODE].includes(name.replace(/^(DATABASE_\w+)_FILE$/, '$1')))
    expect(unknown.filter((name) => !name.startsWith('OTEL_'))).toEqual([])
    const asGiven = given.map((name) => name.replace(/^(DATABASE_\w+)_FILE$/, '$1'))
    expect(read.filter((name) => !asGiven.includes(name) && !LEFT_TO_VALUES.has(name))).toEqual([])
  })

  it('lets each pod run as nobody, on a read-only root, without rights, without a token, with limits', () => {
    expect(pods().length).toBeGreaterThanOrEqual(SERVICES.length + 2)
    for (const { securityContext, containers } of pods()) {
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      for (const container of containers) {
        expect(container.securityContext).toMatchObject({
          ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true },
          capabilities: { drop: ['ALL'] },
        })
        expect(container.image).not.toMatch(/:latest$|^[^:@]+$/)
      }
    }
    for (const { kind, ...account } of objects.filter(({ kind }) => kind === 'ServiceAccount'))
      expect({ kind, ...account }).toMatchObject({ automountServiceAccountToken: false })
  })

  it('asks liveness of the process alone, and readiness of its servers', () => {
    for (const service of SERVICES)
      expect(podOf(named('Deployment', service)!)!.containers[0]).toMatchObject({
        livenessProbe: { httpGet: { path: '/livez', port: 'metrics' } },
        readinessProbe: { httpGet: { path: '/readyz', port: 'metrics' } },
        startupProbe: { httpGet: { path: '/livez' } },
        resources: { requests: { memory: expect.any(String) }, limits: { memory: expect.any(String) } },
      })
  })

  it('has no secret in it: Secrets are the users of NATS and the roles of PostgreSQL, by name', () => {
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([])
    const text = renderedText(example)
    expect(text).not.toMatch(/\bSU[A-Z0-9]{50}|:\/\/[^\s/@]+:[^\s/@]+@|PRIVATE KEY/)
    const names = [...text.matchAll(/(?:secretName|name): deed-(nats|database)-([a-z-]+)\b/g)]
    const users = new Set<string>([...MESH_USERS, ...CALLERS.map(({ name }) => name), 'accounts'])
    const roles = new Set<string>([...STORING, 'admin'])
    for (const [, of, name = ''] of names)
      if (name !== 'certificate') expect(of === 'nats' ? users : roles).toContain(name)
    for (const service of SERVICES) expect(text).toContain(`secretName: deed-nats-${service},`)
    for (const service of STORING) expect(text).toContain(`secretName: deed-database-${service}`)
  })

  it('denies what is not an edge of the mesh: NATS for all, PostgreSQL for those with tables', () => {
    expect(named('NetworkPolicy', 'default-deny')!.spec).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'deed', 'app.kubernetes.io/instance': 'deed' } },
      policyTypes: ['Ingress', 'Egress'],
    })
    for (const service of SERVICES) {
      const { ingress, egress } = named('NetworkPolicy', service)!.spec as Record<'ingress' | 'egress', Rule[]>
      const ports = (rules: Rule[]) => rules.flatMap((rule) => rule.ports.map(({ port }) => port))
      expect(ports(ingress)).toEqual(['metrics', ...(service === 'console' ? ['http'] : [])])
      expect(ports(egress)).toContain(4222)
      expect(ports(egress).includes(5432), service).toBe(isStoring(service))
    }
  })

  it.skipIf(withoutValidate)(`is what Kubernetes takes${withoutValidate}`, () => {
    const native = renderedText(example)
      .split(/^---$/m)
      .filter((text) => !/apiVersion: (monitoring|keda|gateway)/.test(text))
      .join('---')
    const { status, stdout, stderr } = spawnSync('kubectl-validate', ['--version', '1.30', '-'], { input: native })
    expect(`${stdout}${stderr}`, String(status)).not.toMatch(/ERROR|invalid|unknown field/)
    expect(status).toBe(0)
  })
})

interface Rule {
  ports: { port: number | string }[]
}

describe.skipIf(withoutHelm)(`the chart${withoutHelm}`, () => {
  it.each(EXAMPLES)('is without a fault for helm lint, with the values of %s', (example) => {
    const { status, stdout } = spawnSync('helm', [
      'lint',
      '--strict',
      CHART,
      '--values',
      `${CHART}/values/${example}.yaml`,
    ])
    expect(status, String(stdout)).toBe(0)
  })

  it('gives hybrid-agent alone the keys of API providers, as files, and lets it reach them', () => {
    const objects = rendered('production')
    const withKeys = objects.filter((one) => one.kind === 'Deployment' && JSON.stringify(one).includes('deed-models'))
    expect(withKeys.map(({ metadata }) => metadata.name)).toEqual(['deed-hybrid-agent'])
    expect(podOf(withKeys[0]!)!.containers[0]!.env.filter(({ name }) => /KEY/.test(name))).toEqual([
      { name: 'NATS_NKEY_FILE', value: expect.anything() },
      { name: 'ANTHROPIC_API_KEY_FILE', value: '/run/secrets/models/anthropic' },
      { name: 'OPENAI_COMPATIBLE_API_KEY_FILE', value: '/run/secrets/models/openai-compatible' },
    ])
    const policy = objects.find((one) => one.kind === 'NetworkPolicy' && one.metadata.name === 'deed-hybrid-agent')
    expect(JSON.stringify(policy?.spec)).toContain('{"port":443,"protocol":"TCP"}')
    expect(() => renderedText('small', '--set', 'modelKeys.antropic.secret=x')).toThrow(/antropic/)
  })

  it('brings the alert rules and dashboards that are made from the code', () => {
    const objects = rendered('production')
    const read = (file: string): string => readFileSync(resolve(CHART, '../../observability', file), 'utf8')
    expect(objects.find(({ kind }) => kind === 'PrometheusRule')?.spec).toEqual(parse(read('prometheus-rules.yaml')))
    for (const name of ['truth', 'flow', 'models', 'mesh'])
      expect(
        JSON.parse(objects.find((one) => one.metadata.name === `deed-dashboard-${name}`)!.data![`${name}.json`]!),
      ).toEqual(JSON.parse(read(`grafana/${name}.json`)))
  })

  it('names the key where values do not go together', () => {
    expect(() => renderedText('small', '--set', 'nats.url=')).toThrow(/nats\.url: name the servers/)
    expect(() => renderedText('small', '--set', 'services.executor.replicas=2')).toThrow(
      /accessMode must be ReadWriteMany/,
    )
    expect(() => renderedText('small', '--set', 'config.console.url=')).toThrow(/config\.console\.url: say where/)
    expect(() => renderedText('small', '--set', 'nats.ulr=nats://host')).toThrow(/ulr/)
  })
})
