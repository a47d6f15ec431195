/** The things that a template can make, by the nouns that end a request for one: "a NATS consumer for orders". */

/** The nouns of each task type; a template names its own subset with `makes`. */
export const THINGS: Readonly<Record<string, readonly string[]>> = {
  nats_consumer: ['consumer', 'subscriber', 'listener'],
  testing: ['test', 'tests', 'suite', 'spec'],
  api_endpoint: ['endpoint', 'route', 'api', 'handler'],
  web_component: ['component', 'element', 'widget'],
  microservice: ['service', 'microservice'],
  database: ['migration', 'schema', 'table', 'view', 'trigger', 'function', 'partition'],
  documentation: ['readme', 'documentation', 'docs', 'guide', 'manual'],
  configuration: ['configuration', 'config', 'settings'],
  data_processing: ['pipeline', 'report', 'processor', 'aggregation'],
  deployment: ['deployment', 'rollout'],
  devops: ['script', 'dockerfile', 'workflow', 'cronjob', 'compose', 'alerts'],
  security: ['hasher', 'signer', 'policy'],
  performance: ['cache', 'benchmark'],
  service_restart: ['watchdog'],
  diagnostics: ['diagnostics'],
}

export const ALL_THINGS: ReadonlySet<string> = new Set(Object.values(THINGS).flat())
