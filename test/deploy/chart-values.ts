/** The values of the chart: one schema, from which values.schema.json is made, and which names the nearest key. */
import { API_PROVIDERS } from '@deed/config/api-providers'
import { z } from 'zod'

/** A part of a Kubernetes object, which the API server checks. */
const Part = z.record(z.string(), z.unknown())
const Parts = z.array(Part)
const Mode = z
  .enum(['external', 'bundled'])
  .describe(
    '`external`: a server of your own. `bundled`: from official images, for an evaluation; of NATS also a cluster.',
  )
const Name = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
const Port = z.int().min(1).max(65_535)
const Size = z.string().regex(/^\d+(\.\d+)?(Ki|Mi|Gi|Ti)$/)
const Peers = Parts.describe('NetworkPolicyPeers; empty: any address, at the port alone.')
const SecretName = z.union([Name, z.literal('')])

const Key = z.strictObject({ secret: Name, key: z.string().regex(/^[\w.-]+$/) })

const Image = z.strictObject({
  repository: z.string().min(1),
  tag: z.string(),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
})

const Service = z.strictObject({
  replicas: z.int().min(0).max(100),
  resources: Part,
  env: Parts.describe('More variables, such as those that targets and secrets of `config` name.'),
  envFrom: Parts,
  volumes: Parts,
  volumeMounts: Parts,
  egress: Parts.describe('More NetworkPolicyEgressRules: targets, webhooks, model servers.'),
  podAnnotations: z.record(z.string(), z.string()),
  nodeSelector: z.record(z.string(), z.string()),
  tolerations: Parts,
  affinity: Part,
  priorityClassName: z.string(),
})

const Bundled = z.strictObject({
  image: z.string().min(1),
  storage: Size,
  storageClass: z.string(),
  resources: Part,
})

export const ChartValues = z.strictObject({
  global: Part.optional().describe('Of a chart that contains this one; not read.'),
  image: z.strictObject({
    registry: z.string().describe('Before both repositories, such as registry.example.com/team.'),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    pullSecrets: z.array(z.strictObject({ name: Name })),
    services: Image,
    executor: Image,
  }),
  config: Part.describe('execution.yaml: docs/configuration.md. It has no secret in it.'),
  tenants: z.array(Name).min(1),
  nats: z.strictObject({
    mode: Mode,
    url: z.string().describe('Servers, separated by commas; `tls://` insists on encryption.'),
    port: Port,
    credentialsPrefix: z
      .string()
      .min(1)
      .describe('Before the names of the Secrets with `user.nk`, as `deed credentials secrets` prints them.'),
    caSecret: SecretName.describe('A Secret with `ca.crt`.'),
    clientSecret: SecretName.describe('A Secret with `tls.crt` and `tls.key`, where the server asks for certificates.'),
    peers: Peers,
    bundled: Bundled.extend({
      replicas: z.literal([1, 3]).describe('3: a cluster, whose streams have `config.streams.replicas`.'),
    }),
  }),
  postgresql: z.strictObject({
    mode: Mode,
    port: Port,
    credentialsPrefix: z.string().min(1).describe('Before the names of the Secrets with `url` and `owner-url`.'),
    adminSecret: SecretName.describe(
      'A Secret with `url`, of a role that may create roles; empty: roles and schemas are there.',
    ),
    caSecret: SecretName.describe('A Secret with `ca.crt`, for `sslrootcert=/run/secrets/postgresql-ca/ca.crt`.'),
    peers: Peers,
    bundled: Bundled,
  }),
  prepare: z.strictObject({ enabled: z.boolean(), resources: Part }),
  services: z.strictObject({
    orchestrator: Service,
    'template-optimizer': Service,
    'task-decomposer': Service,
    'hybrid-agent': Service,
    executor: Service,
    'semantic-cache': Service,
    // Its key of the sessions is in its pod.
    console: Service.extend({ replicas: z.int().min(0).max(1) }),
    organization: Service,
  }),
  executor: z.strictObject({
    userNamespaces: z.boolean().describe('A user namespace for the pod (Kubernetes 1.33), in which bubblewrap works.'),
    data: z.strictObject({
      existingClaim: SecretName,
      size: Size,
      storageClass: z.string(),
      accessMode: z
        .enum(['ReadWriteOnce', 'ReadWriteMany'])
        .describe('Several executors share it, so they need ReadWriteMany.'),
    }),
  }),
  console: z.strictObject({
    ingress: z.strictObject({
      enabled: z.boolean(),
      className: z.string(),
      annotations: z.record(z.string(), z.string()),
      tlsSecret: SecretName,
    }),
    httpRoute: z.strictObject({ enabled: z.boolean(), parentRefs: Parts }),
  }),
  ollama: z.strictObject({ url: z.union([z.url(), z.literal('')]) }),
  modelKeys: z
    .strictObject(Object.fromEntries(API_PROVIDERS.map((provider) => [provider, Key.optional()])))
    .describe('API providers, and where their keys are. With any, hybrid-agent may reach port 443.'),
  otlp: z.strictObject({
    endpoint: z.union([z.url(), z.literal('')]),
    headersSecret: SecretName.describe('A Secret with `headers`, for OTEL_EXPORTER_OTLP_HEADERS.'),
    sampledShare: z.number().min(0).max(1),
  }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    dnsPeers: Peers,
    metricsPeers: Peers,
    consolePeers: Peers,
  }),
  podDisruptionBudget: z.strictObject({ enabled: z.boolean() }),
  topologySpread: z.strictObject({
    topologyKey: z.string(),
    whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']),
  }),
  serviceMonitor: z.strictObject({
    enabled: z.boolean(),
    interval: z.string(),
    labels: z.record(z.string(), z.string()),
  }),
  prometheusRule: z.strictObject({ enabled: z.boolean(), labels: z.record(z.string(), z.string()) }),
  dashboards: z.strictObject({ enabled: z.boolean(), labels: z.record(z.string(), z.string()) }),
  keda: z.strictObject({
    enabled: z.boolean(),
    prometheus: z.string().describe('Address of the Prometheus that reads the metrics of Deed.'),
    services: z.partialRecord(
      z.enum(['executor', 'hybrid-agent']),
      z.strictObject({
        min: z.int().min(1),
        max: z.int().min(1),
        readyTasks: z.int().min(1).describe('Ready tasks for each replica.'),
      }),
    ),
  }),
})

/** values.schema.json. */
export const valuesSchema = (): string =>
  `${JSON.stringify(z.toJSONSchema(ChartValues, { io: 'input', reused: 'ref' }), undefined, 2)}\n`
