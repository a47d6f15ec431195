import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseExecutionConfig, readExecutionConfig } from './execution-config.ts'

describe('execution.yaml', () => {
  it('has a default for every key', () => {
    const config = readExecutionConfig()
    expect(config.workers).toEqual({ count: 3, max_concurrent_tasks: 10 })
    expect(config.verification).toEqual({ enabled: true, retry_attempts: 2, verify_delay_seconds: 2 })
    expect(config.cache).toEqual({ ttl_seconds: 60, max_size_mb: 100 })
    expect(config.commands.allow).toEqual([])
  })

  it('is shipped as an example that is valid', () => {
    const example = fileURLToPath(new URL('../../../deploy/execution.example.yaml', import.meta.url))
    expect(Object.keys(readExecutionConfig(example).targets)).not.toHaveLength(0)
  })

  it("resolves relative folders against the file's folder", () => {
    const folder = mkdtempSync(join(tmpdir(), 'deed-config-'))
    writeFileSync(
      join(folder, 'execution.yaml'),
      'workspaces: { app: { root: ./app } }\ntargets: { api: { type: process, command: [node], cwd: run } }',
    )
    const config = readExecutionConfig(join(folder, 'execution.yaml'))
    expect(config.workspaces).toEqual({ app: { root: join(folder, 'app') } })
    expect(config.targets.api).toMatchObject({ cwd: join(folder, 'run') })
    expect(config.default_workspace).toBe('app')
    rmSync(folder, { recursive: true })
  })

  it('accepts durations as seconds and as text, and returns milliseconds', () => {
    const { targets } = parseExecutionConfig(`targets:
      one: { type: process, command: [a] }
      two: { type: process, command: [a], stable_for: 0.5, stop_timeout: 2m }
      three: { type: docker, container: c, stable_for: 250ms }`)
    expect(targets).toMatchObject({
      one: { stable_for: 1_000, stop_timeout: 5_000 },
      two: { stable_for: 500, stop_timeout: 120_000 },
      three: { stable_for: 250, stop_timeout: 10_000 },
    })
  })

  it('has other names for a target, and refuses one that is already taken', () => {
    const two = (aliases: string) =>
      parseExecutionConfig(`targets:
  demo-api: { type: process, command: [a], aliases: ${aliases} }
  web: { type: process, command: [a], aliases: [the site] }`)
    expect(two('[the api, api]').targets['demo-api']).toMatchObject({ aliases: ['the api', 'api'] })
    expect(() => two('[Web]')).toThrow('targets.demo-api.aliases: "Web" is the name of targets.web')
    expect(() => two('[site]')).toThrow('targets.web.aliases: "the site" is an alias of targets.demo-api')
    expect(() => two('[it]')).toThrow('must name one target')
  })

  it.each([
    [
      'an MCP server with two transports',
      '{ type: mcp, command: [a], url: "http://x/" }',
      /command and url say the same thing/,
    ],
    ['an MCP server without a transport', '{ type: mcp }', /command, url or url_env is missing/],
    [
      'an undo for a read-only tool',
      '{ type: mcp, command: [a], tools: { t: { effect: read, undo: { tool: u } } } }',
      /nothing to undo/,
    ],
    [
      'a path outside call and result',
      '{ type: mcp, command: [a], tools: { t: { undo: { tool: u, arguments: { id: id } } } } }',
      /arguments.name or result.id/,
    ],
  ])('refuses %s', (_, target, message) => {
    expect(() => parseExecutionConfig(`targets: { one: ${target} }`)).toThrow(message)
  })

  it.each([
    ['a mistyped section', 'wrokers: { count: 2 }', /\$: unknown key "wrokers"; did you mean "workers"\?/],
    ['a mistyped key', 'workers: { cuont: 2 }', /workers: unknown key "cuont"; did you mean "count"\?/],
    [
      'a mistyped nested key',
      'targets: { api: { type: process, command: [a], health: { ulr: "http://x/" } } }',
      /targets\.api\.health: unknown key "ulr"; did you mean "url"\?/,
    ],
    [
      'a duration in words',
      'targets: { a: { type: process, command: [a], stop_timeout: ten seconds } }',
      /targets\.a\.stop_timeout: must be a number of seconds, or text such as "500ms", "10s" or "2m"/,
    ],
    [
      'a duration that is too long',
      'targets: { a: { type: process, command: [a], stable_for: 1000 } }',
      /targets\.a\.stable_for: must be between 0 s and 300 s/,
    ],
    [
      'a stop time for a target with one of its own',
      'targets: { a: { type: systemd, unit: a.service, stop_timeout: 5 } }',
      /targets\.a: unknown key "stop_timeout"/,
    ],
    ['zero workers', 'workers: { count: 0 }', /workers\.count/],
    ['verification switched off', 'verification: { enabled: false }', /verification\.enabled: must be true/],
    ['a key given twice', 'cache: { ttl_seconds: 1, ttl_seconds: 2 }', /unique/],
    ['a target with two addresses', 'targets: { a: { type: http, url: "http://x/", url_env: X } }', /remove one/],
    ['a default workspace that does not exist', 'default_workspace: app', /no workspace "app"/],
    [
      'an alias bomb',
      'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]',
      /alias/,
    ],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseExecutionConfig(text)).toThrow(message)
  })

  it('reads `no` as text, not as false', () => {
    expect(() => parseExecutionConfig('models: { fallback_to_api: no }')).toThrow(/models\.fallback_to_api/)
  })

  it('accepts a value from the environment, and refuses it in both places', () => {
    const env = { METRICS_PORT: '9191' }
    expect(parseExecutionConfig('', { env }).observability.metrics_port).toBe(9191)
    expect(() => parseExecutionConfig('observability: { metrics_port: 9090 }', { env })).toThrow(/METRICS_PORT/)
  })

  it('serves metrics on the loopback address by default, and refuses an invalid address', () => {
    const host = (env: Record<string, string>) => parseExecutionConfig('', { env }).observability.metrics_host
    expect([host({}), host({ METRICS_HOST: '0.0.0.0' }), host({ METRICS_HOST: '::' })]).toEqual([
      '127.0.0.1',
      '0.0.0.0',
      '::',
    ])
    for (const wrong of ['everywhere', '1.2.3', '127.0.0.1:9090'])
      expect(() => host({ METRICS_HOST: wrong })).toThrow(/observability\.metrics_host/)
  })
})
