// The site of the documentation, made as a release makes it.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const skipped = reasonToSkip()

it.skipIf(skipped)(
  `has every page of the documentation, with its braces, its pictures and a search, and names each page in its sidebar${skipped}`,
  () => {
    using folder = temporaryFolder()
    execFileSync(process.execPath, ['deploy/site/build.mjs', folder.path], { cwd: ROOT, stdio: 'pipe' })
    const read = (file: string): string => readFileSync(join(folder.path, file), 'utf8')
    const pages = globSync('{docs,proto,libs/*,services/*}/*.md', { cwd: ROOT }).map(
      (file) => `${file.slice(0, -3)}.html`,
    )
    expect(pages.length).toBeGreaterThan(30)
    expect(pages.filter((page) => !existsSync(join(folder.path, page)))).toEqual([])
    const start = read('index.html')
    expect(pages.filter((page) => !start.includes(`href="/${page}"`))).toEqual([])
    expect(read('docs/extending.html')).toContain('switch the lamp {{lamp}} on')
    for (const [, picture = ''] of read('docs/console.html').matchAll(/<img src="([^"]+)"/g))
      expect(existsSync(join(folder.path, picture))).toBe(true)
    expect(globSync('assets/chunks/@localSearchIndexroot.*.js', { cwd: folder.path })).toHaveLength(1)
    expect(read('examples/demo/tasks.yaml')).toContain('tasks:')
  },
  300_000,
)

/** It takes a minute. */
function reasonToSkip(): string {
  if (process.env.npm_lifecycle_event !== 'check:deploy') return ' (skipped: npm run check:deploy makes it)'
  const { status } = spawnSync('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=10000'])
  return status === 0 ? '' : ' (skipped: npm does not reach its registry)'
}
