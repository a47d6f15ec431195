// What a browser loads: bundled from the sources as they are now.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'

const PACKAGE = join(import.meta.dirname, '../..')
const ASSETS = join(PACKAGE, 'dist/assets')
const SCRIPT_BYTES_MAX = 90_000
const { buildPage }: { buildPage: () => Promise<boolean> } = await import(join(PACKAGE, 'build.mjs'))

beforeAll(async () => {
  await buildPage()
})

it('the scripts of all pages together have at most 90 kB with gzip', () => {
  const scripts = readdirSync(ASSETS).filter((file) => file.endsWith('.js.gz'))
  expect(scripts).not.toEqual([])
  const bytes = scripts.reduce((sum, file) => sum + statSync(join(ASSETS, file)).size, 0)
  expect(bytes).toBeLessThanOrEqual(SCRIPT_BYTES_MAX)
})

it('the page is bundled once for the same sources', async () => {
  expect(await buildPage()).toBe(false)
})
