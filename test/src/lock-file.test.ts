// A clean checkout installs on any platform, and on Node 20: `node deploy/complete-lock.mjs` sees to what npm leaves out.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface LockedPackage {
  version?: string
  engines?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const file = new URL('../../package-lock.json', import.meta.url)
const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> }

describe('package-lock.json', () => {
  it('locks the packages of every platform, not of this one alone', () => {
    const locked = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/'))))
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !locked.has(`node_modules/${name}`))
    expect(missing).toEqual([])
  })

  it('lets the native programs be installed whatever Node runs npm', () => {
    const programs = Object.keys(packages['']?.optionalDependencies ?? {})
    expect(programs.length).toBeGreaterThan(0)
    expect(programs.filter((name) => packages[`node_modules/${name}`]?.engines)).toEqual([])
  })
})
