/** The compose file, as what it would start. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

export const COMPOSE = resolve(import.meta.dirname, '../../deploy/compose')

const Container = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.union([z.string(), z.strictObject({ source: z.string(), target: z.string() })])).default([]),
  volumes: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
})
const File = z.looseObject({
  services: z.record(z.string(), Container),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
})

/** @param variables of `.env`; `${NAME:-fallback}` takes them */
export function composeFile(variables: Record<string, string> = {}): z.output<typeof File> {
  const filled = (_: unknown, value: unknown): unknown =>
    typeof value === 'string'
      ? value.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, fallback: string) => variables[name] ?? fallback)
      : value
  return File.parse(parse(readFileSync(resolve(COMPOSE, 'compose.yaml'), 'utf8'), filled, { merge: true }))
}

/** The paths in a container, and where what is there comes from: relative to the folder of the compose file. */
export function mountsOf(file: z.output<typeof File>, name: string): Map<string, string> {
  const { volumes, secrets } = file.services[name]!
  return new Map([
    ...volumes.map((volume): [string, string] => {
      const [source = '', target = ''] = volume.split(':')
      return [target, source]
    }),
    ...secrets.map((secret): [string, string] => {
      const { source, target } = typeof secret === 'string' ? { source: secret, target: secret } : secret
      return [`/run/secrets/${target}`, file.secrets[source]!.file]
    }),
  ])
}
