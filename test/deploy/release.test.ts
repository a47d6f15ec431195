// What makes a release: the workflows, the versions, the bill of materials.
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { without } from './chart.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const WORKFLOWS = join(ROOT, '.github/workflows')
const files = readdirSync(WORKFLOWS)
const withoutActionlint = without('actionlint', '-version')

interface Workflow {
  permissions: object
  jobs: Record<string, { permissions?: object; 'timeout-minutes'?: number }>
}

describe.each(files)('the workflow %s', (file) => {
  const text = readFileSync(join(WORKFLOWS, file), 'utf8')
  const workflow = parse(text) as Workflow

  it('takes actions by their commit, with the version beside it', () => {
    const used = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line))
    expect(used.length).toBeGreaterThan(0)
    expect(used.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
  })

  it('has no rights but those that a job names, and jobs that end', () => {
    expect(workflow.permissions).toEqual({})
    for (const job of Object.values(workflow.jobs)) {
      expect(job.permissions).toBeDefined()
      expect(job['timeout-minutes']).toBeGreaterThan(0)
    }
  })

  it.skipIf(withoutActionlint)(`is accepted by actionlint${withoutActionlint}`, () => {
    const { stdout, stderr, status } = spawnSync('actionlint', [join(WORKFLOWS, file)], { encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })
})

describe('a release', () => {
  it('has one version in all packages, the chart and the images', () => {
    const { status, stderr } = spawnSync(process.execPath, ['deploy/set-version.mjs', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const other = spawnSync(process.execPath, ['deploy/set-version.mjs', '--check', 'v99.0.0'], { cwd: ROOT })
    expect(other.stderr.toString()).toContain('the tag v99.0.0')
    expect(other.status).toBe(1)
  })

  // With --omit=dev npm leaves out packages that production needs as well as a tool.
  it('has a bill of materials with each package that an installation has, and its version', () => {
    const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only']
    const text = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    const bill = JSON.parse(text) as { bomFormat: string; components: { purl: string }[] }
    expect(bill.bomFormat).toBe('CycloneDX')
    const listed = new Set(bill.components.map(({ purl }) => decodeURIComponent(purl)))
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; dev?: boolean; optional?: boolean; link?: boolean }>
    }
    const installed = Object.entries(packages).filter(
      ([path, { dev, optional, link }]) => path.startsWith('node_modules/') && !dev && !optional && !link,
    )
    const missing = installed.filter(
      ([path, { version }]) => !listed.has(`pkg:npm/${path.split('node_modules/').at(-1)}@${version}`),
    )
    expect(missing.map(([path]) => path)).toEqual([])
  })
})
