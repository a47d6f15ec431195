/**
 * The contracts as an AsyncAPI 3.0 document, for readers and tools that speak no TypeScript.
 *
 * It is written as the mesh sees itself: it receives requests and answers them, and sends events and
 * work. Schemas say what is on the wire, so a field that has a default is one that may be left out.
 * It is made, not kept: `npm run asyncapi` writes `proto/asyncapi.json`.
 */
import { z } from 'zod'
import packageJson from '../package.json' with { type: 'json' }
import * as action from './action.ts'
import * as agent from './agent.ts'
import * as alert from './alert.ts'
import * as approval from './approval.ts'
import * as audit from './audit.ts'
import * as cache from './cache.ts'
import type { Contract, EventContract, Owner, RequestContract, ServiceName, WorkContract } from './contract.ts'
import { CONTRACTS } from './contracts.ts'
import * as doctor from './doctor.ts'
import * as errors from './errors.ts'
import * as execution from './execution.ts'
import * as goal from './goal.ts'
import * as grant from './grant.ts'
import * as graph from './graph.ts'
import * as ids from './ids.ts'
import * as json from './json.ts'
import * as manifest from './manifest.ts'
import * as observation from './observation.ts'
import * as person from './person.ts'
import * as provider from './provider.ts'
import * as schedule from './schedule.ts'
import * as states from './states.ts'
import * as steering from './steering.ts'
import * as task from './task.ts'
import * as template from './template.ts'

const MODULES = [
  ...[action, agent, alert, approval, audit, cache, doctor, errors, execution, goal, grant, graph, ids, json, manifest],
  ...[observation, person, provider, schedule, states, steering, task, template],
]

interface Reference {
  $ref: string
}

interface Message {
  name: string
  summary?: string
  contentType: 'application/json'
  headers?: Reference
  payload: Reference
}

interface Channel {
  /** Null: known only when the message is sent. */
  address: string | null
  summary: string
  messages: Record<string, Reference>
  parameters?: Record<string, { description: string }>
  /** The same for whom the caller names; without it, the caller is `local.user`. */
  'x-address-with-principal'?: string
}

interface Operation {
  action: 'send' | 'receive'
  channel: Reference
  summary: string
  tags: { name: Owner }[]
  messages: Reference[]
  reply?: { channel: Reference; messages: Reference[] }
  bindings?: { nats: { queue: Owner } }
  'x-owner': Owner
  'x-timeout-ms'?: number
  'x-idempotent'?: boolean
  'x-jetstream'?: { stream: string; consumer: ServiceName }
}

type JsonSchema = Record<string, unknown>

export interface AsyncApi {
  asyncapi: '3.0.0'
  info: { title: string; version: string; description: string; tags: { name: Owner }[] }
  defaultContentType: 'application/json'
  servers: Record<string, { host: string; protocol: 'nats'; description: string }>
  channels: Record<string, Channel>
  operations: Record<string, Operation>
  components: { messages: Record<string, Message>; schemas: Record<string, JsonSchema> }
}

const TENANT = {
  description: 'Lower-case letters, digits, "-" and "_". NATS permissions decide who may publish for it.',
}

const KIND = { kind: { description: 'The kind of action, with `-` for each dot of its name.' } }

/** Every channel, operation and message of the mesh. The same contracts give the same document. */
export function asyncApi(contracts: readonly Contract[] = CONTRACTS): AsyncApi {
  const document: AsyncApi = {
    asyncapi: '3.0.0',
    info: {
      title: 'Deed',
      version: packageJson.version,
      description: packageJson.description,
      tags: [...new Set(contracts.map(({ owner }) => owner))].sort().map((name) => ({ name })),
    },
    defaultContentType: 'application/json',
    servers: { local: { host: '127.0.0.1:4222', protocol: 'nats', description: 'The NATS server of the mesh.' } },
    channels: {},
    operations: {},
    components: {
      messages: {
        error: {
          name: 'error',
          summary: 'The answer to a failed request; its headers distinguish it.',
          contentType: 'application/json',
          headers: schemaRef('ErrorHeaders'),
          payload: schemaRef('ErrorBody'),
        },
      },
      schemas: {},
    },
  }
  const schemas = namedSchemas()
  for (const contract of contracts) {
    if (contract.type === 'request') addRequest(document, schemas, contract)
    else if (contract.type === 'event') addEvent(document, schemas, contract)
    else addWork(document, schemas, contract)
  }
  addSubmit(document, schemas)
  document.components.schemas = { ...HEADERS, ...jsonSchemas(schemas) }
  return document
}

function addRequest(document: AsyncApi, schemas: Names, contract: RequestContract): void {
  const name = camelCase(contract.subject.replace('.*', ''))
  const { messages } = document.components
  messages[name] = {
    name: contract.subject,
    summary: contract.summary,
    contentType: 'application/json',
    headers: schemaRef('RequestHeaders'),
    payload: schemaRef(nameOf(schemas, contract.input, `${name}Input`)),
  }
  messages[`${name}Reply`] = {
    name: `${contract.subject} reply`,
    contentType: 'application/json',
    payload: schemaRef(nameOf(schemas, contract.output, `${name}Output`)),
  }
  const replyChannel = addReply(document, name, `Answers to ${contract.subject}.`, {
    reply: messageRef(`${name}Reply`),
    error: messageRef('error'),
  })
  addChannel(document, name, contract)
  document.operations[name] = {
    action: 'receive',
    channel: channelRef(name),
    summary: contract.summary,
    tags: [{ name: contract.owner }],
    messages: [memberRef(name, 'request')],
    reply: {
      channel: channelRef(replyChannel),
      messages: [memberRef(replyChannel, 'reply'), memberRef(replyChannel, 'error')],
    },
    bindings: { nats: { queue: contract.owner } },
    'x-owner': contract.owner,
    'x-timeout-ms': contract.timeoutMs,
    'x-idempotent': contract.idempotent,
  }
}

/** The bare subject is asked by the principal `local.user`; any other is two tokens more. */
function addChannel(
  { channels }: AsyncApi,
  name: string,
  { subject, summary }: { subject: string; summary: string },
): void {
  const address = subject.replace('*', '{kind}')
  channels[name] = {
    address,
    summary,
    messages: { request: messageRef(name) },
    ...(address === subject ? {} : { parameters: KIND }),
    'x-address-with-principal': `${address}.{tenant}.{user}`,
  }
}

/** Answers go to the reply subject of the request, an inbox of the caller. @returns the channel's id */
function addReply({ channels }: AsyncApi, name: string, summary: string, messages: Record<string, Reference>): string {
  const id = `${name}Reply`
  channels[id] = { address: null, summary, messages }
  return id
}

function addEvent({ channels, operations, components }: AsyncApi, schemas: Names, contract: EventContract): void {
  const { subject, summary, owner } = contract
  const base = subject.replace('.*.*', '')
  const name = camelCase(base)
  components.messages[name] = {
    name: base,
    summary,
    contentType: 'application/json',
    payload: schemaRef(nameOf(schemas, contract.payload, `${name}Payload`)),
  }
  channels[name] = {
    address: `${base}.{tenant}.{id}`,
    summary,
    messages: { event: messageRef(name) },
    parameters: { tenant: TENANT, id: { description: "The id or the name of the subject's object." } },
  }
  operations[name] = {
    action: 'send',
    channel: channelRef(name),
    summary,
    tags: [{ name: owner }],
    messages: [memberRef(name, 'event')],
    'x-owner': owner,
  }
}

function addWork({ channels, operations, components }: AsyncApi, schemas: Names, contract: WorkContract): void {
  const { subject, summary, owner, stream, consumer } = contract
  const name = camelCase(subject)
  components.messages[name] = {
    name: subject,
    summary,
    contentType: 'application/json',
    headers: schemaRef('TraceHeaders'),
    payload: schemaRef(nameOf(schemas, contract.payload, `${name}Payload`)),
  }
  channels[name] = {
    address: `${subject}.{tenant}`,
    summary,
    messages: { work: messageRef(name) },
    parameters: { tenant: TENANT },
  }
  const both = { channel: channelRef(name), summary, messages: [memberRef(name, 'work')], 'x-owner': owner }
  operations[`${name}Send`] = { action: 'send', tags: [{ name: owner }], ...both }
  operations[`${name}Receive`] = {
    action: 'receive',
    tags: [{ name: consumer }],
    ...both,
    'x-jetstream': { stream, consumer },
  }
}

/** The durable intake is not a request of the mesh: the server's acknowledgement is its answer. */
function addSubmit(document: AsyncApi, schemas: Names): void {
  const name = camelCase(execution.SUBMIT_SUBJECT)
  const summary = 'Do this, durably: the acknowledgement promises that it will be executed.'
  const { messages } = document.components
  messages[name] = {
    name: execution.SUBMIT_SUBJECT,
    summary,
    contentType: 'application/json',
    headers: schemaRef('SubmitHeaders'),
    payload: schemaRef(nameOf(schemas, execution.ExecutionRequest, `${name}Input`)),
  }
  messages[`${name}Ack`] = {
    name: `${execution.SUBMIT_SUBJECT} acknowledgement`,
    summary: 'By the NATS server, once the message is on disk.',
    contentType: 'application/json',
    payload: schemaRef('PublishAcknowledgement'),
  }
  const replyChannel = addReply(document, name, 'Acknowledgements of JetStream.', { ack: messageRef(`${name}Ack`) })
  addChannel(document, name, { subject: execution.SUBMIT_SUBJECT, summary })
  document.operations[name] = {
    action: 'receive',
    channel: channelRef(name),
    summary,
    tags: [{ name: 'orchestrator' }],
    messages: [memberRef(name, 'request')],
    reply: { channel: channelRef(replyChannel), messages: [memberRef(replyChannel, 'ack')] },
    'x-owner': 'orchestrator',
    'x-jetstream': { stream: execution.intakeStream('{tenant}'), consumer: 'orchestrator' },
  }
}

const traceparent = { type: 'string', description: 'W3C trace context.' }
const HEADERS: Record<string, JsonSchema> = {
  TraceHeaders: { type: 'object', properties: { traceparent } },
  RequestHeaders: {
    type: 'object',
    properties: {
      traceparent,
      'Deed-Timeout-Ms': {
        type: 'string',
        description: 'How long the caller waits, in milliseconds; by default `x-timeout-ms`.',
      },
    },
  },
  SubmitHeaders: {
    type: 'object',
    properties: {
      traceparent,
      'Nats-Msg-Id': { type: 'string', description: 'The idempotency key, if the body has none.' },
    },
  },
  ErrorHeaders: {
    type: 'object',
    required: ['Nats-Service-Error-Code', 'Nats-Service-Error'],
    properties: {
      'Nats-Service-Error-Code': { type: 'string', enum: ['400', '500', '503'] },
      'Nats-Service-Error': schemaRef('ErrorCode'),
    },
  },
  PublishAcknowledgement: {
    type: 'object',
    required: ['stream', 'seq'],
    properties: {
      stream: { type: 'string' },
      seq: { type: 'integer', description: 'Finds the execution: `execution.get` takes it as `sequence`.' },
      duplicate: {
        type: 'boolean',
        description:
          'A message with the same `Nats-Msg-Id` arrived shortly before; later duplicates are found by the key.',
      },
    },
  },
}

type Names = ReturnType<typeof namedSchemas>

/** Every schema that proto exports, under its export name. */
function namedSchemas() {
  const names = z.registry<{ id: string }>()
  for (const [name, value] of MODULES.flatMap((module) => Object.entries(module))) {
    if (value instanceof z.ZodType) names.add(value, { id: name })
  }
  return names
}

/** Names an anonymous schema. */
function nameOf(schemas: Names, schema: z.ZodType, otherwise: string): string {
  if (!schemas.has(schema)) schemas.add(schema, { id: otherwise.charAt(0).toUpperCase() + otherwise.slice(1) })
  return schemas.get(schema)?.id ?? otherwise
}

/** As JSON Schema of draft 7, AsyncAPI's own default. */
function jsonSchemas(names: Names): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(names, { target: 'draft-7', io: 'input', uri: (id) => schemaRef(id).$ref })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema, $id, id, ...schema }]) => [name, schema as JsonSchema]),
  )
}

function camelCase(subject: string): string {
  return subject.replace(/[.-]([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function schemaRef(name: string): Reference {
  return { $ref: `#/components/schemas/${name}` }
}

function messageRef(name: string): Reference {
  return { $ref: `#/components/messages/${name}` }
}

function channelRef(name: string): Reference {
  return { $ref: `#/channels/${name}` }
}

function memberRef(channel: string, message: string): Reference {
  return { $ref: `#/channels/${channel}/messages/${message}` }
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(asyncApi(), null, 2)}\n`)
