/** What a server over MCP consists of: tools, resources and prompts, each with its schemas. */
import type { Bus } from '@deed/mesh/bus'
import type { Principal } from '@deed/proto/ids'
import type { InputRequiredResult, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'

/** In whose name a client acts. Neither comes from an argument: a connection has them. */
export interface Identity {
  readonly agent: Principal
  /** Who answers the forms of this client; absent: it decides nothing. */
  readonly person?: Principal | undefined
}

/** The mesh as a server reaches it. */
export interface Mesh {
  /** @throws {DeedError} `unavailable` while there is none */
  bus(): Promise<Bus>
  /** Where people find the console; undefined if that is not known. */
  consoleUrl(): string | undefined
}

export interface Forms {
  /** What the client says that it can show to a person. */
  readonly form: boolean
  readonly url: boolean
}

/** One call of a tool. */
export interface Call extends Identity {
  readonly mesh: Mesh
  readonly context: ServerContext
  readonly shows: Forms
  /** Seals what must come back unchanged with a person's answer. */
  seal(state: object): Promise<string>
}

export interface Tool<In extends z.ZodObject = z.ZodObject, Out extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: In
  readonly output: Out
  readonly annotations: ToolAnnotations
  run(input: z.output<In>, call: Call): Promise<z.input<Out> | InputRequiredResult>
}

/** A tool with its types forgotten, for lists. */
export function tool<In extends z.ZodObject, Out extends z.ZodObject>(definition: Tool<In, Out>): Tool {
  return definition as unknown as Tool
}

export interface ResourceDefinition {
  readonly name: string
  /** With `{id}` where one of many is read. */
  readonly uri: string
  readonly title: string
  readonly description: string
  /** @throws {DeedError} `not_found` */
  read(call: Pick<Call, 'mesh' | 'agent'>, id: string): Promise<object>
}

export interface PromptDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: z.ZodObject
  text(input: Record<string, unknown>): string
}

/** A server: Deed itself, or one that is made for a role. */
export interface ServerDefinition {
  readonly name: string
  readonly title: string
  readonly instructions: string
  /** In the order in which they are listed. */
  readonly tools: readonly Tool[]
  readonly resources: readonly ResourceDefinition[]
  readonly prompts: readonly PromptDefinition[]
}
